package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"engram/embed"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/index"
	"engram/index/open"
)

// BenchmarkWords asks a server for the ten items nearest to a text, among 100,000
// random ones, one text at a time. "p50-ms" is the median time of an answer, "tower-ms"
// the median time of the text encoder alone for the same texts, in turn with the
// answers, and "around-ms" the median of the difference. The model is the demo's CLIP,
// or the one in the folder that ENGRAM_TEST_MODEL names.
func BenchmarkWords(b *testing.B) {
	const rows = 100_000
	a := New(Options{
		Library: ort.LibraryOptions{Path: orttest.Runtime(b).Path(), CacheDir: b.TempDir()},
		Logger:  slog.New(slog.DiscardHandler),
	})
	name := cmp.Or(os.Getenv("ENGRAM_TEST_MODEL"), ScenesCLIP)
	m, err := a.OpenModel(b.Context(), name, nil)
	if err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(b.TempDir(), "index")
	randomIndex(b, a, dir, open.Empty{Dim: m.D, Space: SpaceOf(m)}, rows)
	text, err := a.OpenTextEncoder(b.Context(), m, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer text.Close()
	service, err := a.OpenService(b.Context(), ServeSpec{Index: dir, Model: name}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer service.Close()
	server := httptest.NewServer(service.Handler())
	defer server.Close()
	var answers, tower, around []float64
	for b.Loop() {
		caption := fmt.Sprintf("a photo of a zebra at night, number %d", len(answers))
		began := time.Now()
		if _, _, err := text.Embed(b.Context(), caption); err != nil {
			b.Fatal(err)
		}
		alone := time.Since(began)
		began = time.Now()
		ask(b, server.URL, caption)
		whole := time.Since(began)
		answers, tower = append(answers, whole.Seconds()), append(tower, alone.Seconds())
		around = append(around, (whole - alone).Seconds())
	}
	b.ReportMetric(1e3*median(answers), "p50-ms")
	b.ReportMetric(1e3*median(tower), "tower-ms")
	b.ReportMetric(1e3*median(around), "around-ms")
}

// randomIndex makes an index of random directions.
func randomIndex(b *testing.B, a *App, dir string, empty open.Empty, rows int) {
	b.Helper()
	x, err := a.createIndex(b.Context(), dir, empty)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]index.Item, rows)
	for i := range items {
		v := make(embed.Vector, empty.Dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		if err := embed.Normalize(v); err != nil {
			b.Fatal(err)
		}
		items[i] = index.Item{ID: index.ID(i), Vector: v, Payload: index.Payload{index.KeyPath: fmt.Sprintf("%06d.jpg", i)}}
	}
	for part := range slices.Chunk(items, 1000) {
		if err := x.Upsert(b.Context(), part); err != nil {
			b.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
}

// ask searches by a text over REST and wants ten hits.
func ask(b *testing.B, url, caption string) {
	b.Helper()
	answer, err := http.Post(url+"/v1/search", "application/json", strings.NewReader(fmt.Sprintf(`{"text": %q, "k": 10}`, caption)))
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	var found struct{ Hits []json.RawMessage }
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil || len(found.Hits) != 10 {
		b.Fatalf("%s with %d hits, %v", answer.Status, len(found.Hits), err)
	}
}
