package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/local"
)

// A graph is built where it is asked for, and described.
func TestOptimise(t *testing.T) {
	c, dir := newCLI(t), filepath.Join(t.TempDir(), "index")
	store, err := local.Create(dir, local.Options{Dim: 4})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	items := make([]index.Item, 21_000)
	for i := range items {
		v := make([]float32, 4)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		items[i] = index.Item{ID: index.ID(i), Vector: v}
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := store.IndexPayload(t.Context(), map[string]index.PayloadKind{"width": index.Number, "caption": index.Words}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	const fields = "index of the payload key caption (words): 21000 items, 1 kB\nindex of the payload key width (values): 21000 items, 1 kB\n"
	want := fmt.Sprintf("%s: 21000 items of 4 elements by an unknown model, engine local\n", dir)
	if got := c.must("index", "info", dir); got != want+"0 items are found by a graph, 21000 by comparing each\n"+fields {
		t.Errorf("info prints\n%s", got)
	}
	got := c.must("index", "optimise", dir)
	want += "21000 items are found by a graph, 0 by comparing each\n" + fields + "\ngraph of 21000 items\n"
	if !strings.HasPrefix(got, want) || strings.Count(got, "\n") < 8 {
		t.Errorf("optimise prints\n%s\nwanted\n%s and a table", got, want)
	}
	var r app.IndexReport
	c.json(&r, "index", "info", dir)
	if r.InGraph != 21_000 || len(r.Graphs) != 1 || r.Graphs[0].Levels[0].K != 10 || len(r.Fields) != 2 || r.Fields[1].Items != 21_000 {
		t.Errorf("info --json prints %+v", r)
	}
}

func TestOptimiseRefusesACollection(t *testing.T) {
	onServers(t, func(t *testing.T, c *cli, collection func(string) string) {
		name := collection("photos")
		c.must("index", "build", writePhotos(t), "--out", name)
		if got := c.must("index", "info", name); !strings.Contains(got, "16 items of ") || !strings.HasSuffix(got, "engine qdrant\n") {
			t.Errorf("info prints %q", got)
		}
		_, stderr, status := c.run("index", "optimise", name)
		if status != 1 || !strings.Contains(stderr, "wanted the folder of an index") {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
	})
}
