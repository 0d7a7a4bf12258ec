package graph

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// firstRows returns the first n rows.
func firstRows(rows *column.Rows, n int) *column.Rows {
	first := *rows
	first.IDs, first.Scales, first.Residuals = rows.IDs[:n], rows.Scales[:n], rows.Residuals[:n]
	first.Vectors, first.Codes = rows.Vectors[:n*column.VectorStride(rows.Dim)], rows.Codes[:n*column.CodeStride(rows.Dim)]
	return &first
}

func mustGrow(t *testing.T, rows *column.Rows, from Growth, opts Options) *Graph {
	t.Helper()
	g, err := Grow(t.Context(), rows, from, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(len(rows.IDs)); err != nil {
		t.Fatal(err)
	}
	return g
}

// recallOf is the share of the nearest rows that walks of an effort of 32 find, for queries.
func recallOf(t *testing.T, g *Graph, rows *column.Rows, queries [][]float32) float64 {
	t.Helper()
	const k, effort = 10, 32
	one := *g
	one.Levels = []Level{{K: k, Effort: effort, Unseen: 1, Distant: 1}}
	parts, found := []column.Part{{Rows: rows}}, 0
	for _, q := range queries {
		exact := mustSearch(t, flat.Scan{}, parts, q, k)
		for _, m := range mustSearch(t, Searcher{Graphs: []*Graph{&one}, Recall: .5}, parts, q, k) {
			if m.Score >= exact[k-1].Score {
				found++
			}
		}
	}
	return float64(found) / float64(k*len(queries))
}

// A graph with the levels of a larger one has as many entries, up to one for 32 rows.
func TestAGrownGraphHasTheEntriesThatWereMeasured(t *testing.T) {
	const n = 3200
	rows := clustered(rand.New(rand.NewPCG(11, 3)), n, 16, 0)
	for have, want := range map[int]int{10: n / entryShare, 50: 50, 500: n / leastShare} {
		like := &Graph{Levels: []Level{{K: 10, Effort: 16, Unseen: 1, Distant: 1}}, Entries: make([]uint32, have)}
		g := mustGrow(t, rows, Growth{Measured: like}, Options{})
		if len(g.Entries) != want || g.First != n/256 || len(g.Levels) != 1 {
			t.Errorf("like a graph of %d entries: %d, %d of them the first, and %d levels, wanted %d and %d", have, len(g.Entries), g.First, len(g.Levels), want, n/256)
		}
	}
}

// A graph that has grown, a few rows at a time, finds what one that was built finds.
func TestAGrownGraphFindsWhatABuiltOneFinds(t *testing.T) {
	const n = 6000
	all := clustered(rand.New(rand.NewPCG(11, 1)), n+200, 64, 0)
	var queries [][]float32
	for row := n; row < n+200; row++ {
		queries = append(queries, all.Vector(row))
	}
	rows := firstRows(all, n)
	built := recallOf(t, mustBuild(t, rows, Options{Threads: 2}), rows, queries)
	like := map[bool]*Graph{false: {}} // the last time it is measured
	var g *Graph
	for have := 100; have <= n; have += 100 {
		g = mustGrow(t, firstRows(all, have), Growth{Graph: g, Measured: like[have == n]}, Options{Threads: 2})
	}
	if grown := recallOf(t, g, rows, queries); grown < built-.02 {
		t.Errorf("recall %.3f of a graph that has grown, %.3f of one that was built", grown, built)
	}
	if len(g.Levels) == 0 || g.Near == 0 {
		t.Errorf("%d levels and %v for queries that are near: it was not measured", len(g.Levels), g.Near)
	}
}

// A third of the rows is dropped and as many come in, under other numbers.
func TestRowsAreDroppedFromAGraph(t *testing.T) {
	const n = 6000
	rng := rand.New(rand.NewPCG(12, 1))
	all := clustered(rng, n+200, 64, 0)
	var queries [][]float32
	for row := n; row < n+200; row++ {
		queries = append(queries, all.Vector(row))
	}
	rows := firstRows(all, n)
	order := rng.Perm(n)[:4*n/5] // of the old rows, where they were
	old := column.New(64, len(order))
	from := Growth{Rows: make([]uint32, len(order))}
	for row, is := range order {
		old.IDs[row] = rows.IDs[is]
		copy(old.Vector(row), rows.Vector(is))
		old.Quantise(row)
		from.Rows[row] = uint32(is)
	}
	// The old rows that are dropped are not among the new ones.
	kept := firstRows(rows, n*2/3)
	for row, is := range order {
		if is >= n*2/3 {
			from.Rows[row] = Dropped
		}
	}
	from.Graph = mustBuild(t, &old, Options{Threads: 2})
	before := slices.Clone(from.Graph.Links)
	g := mustGrow(t, kept, from, Options{Threads: 2})
	if !slices.Equal(before, from.Graph.Links) {
		t.Error("the graph that it grows from has changed")
	}
	if diff := cmp.Diff(g, mustGrow(t, kept, from, Options{Threads: 1})); diff != "" {
		t.Errorf("with 2 threads and 1:\n%s", diff)
	}
	built := recallOf(t, mustBuild(t, kept, Options{Threads: 2}), kept, queries)
	if grown := recallOf(t, g, kept, queries); grown < built-.02 {
		t.Errorf("recall %.3f of a graph that has grown, %.3f of one that was built", grown, built)
	}
	for row := range g.Rows() {
		for _, to := range g.of(uint32(row)) {
			if to == uint32(row) {
				t.Fatalf("row %d is linked to itself", row)
			}
		}
	}
}

func TestAGraphGrowsFromFewRows(t *testing.T) {
	all := clustered(rand.New(rand.NewPCG(13, 1)), 40, 8, 3)
	for _, have := range []int{0, 1, 39, 40} {
		var g *Graph
		if have > 0 {
			g = mustGrow(t, firstRows(all, have), Growth{}, Options{})
		}
		g = mustGrow(t, all, Growth{Graph: g}, Options{})
		reached := make([]bool, 40)
		(&builder{Graph: g, rows: all}).reach(reached, g.Entries[:g.First]...)
		if slices.Contains(reached, false) {
			t.Errorf("from %d rows: not all rows are reached", have)
		}
	}
	gone := slices.Repeat([]uint32{Dropped}, 20)
	mustGrow(t, all, Growth{Graph: mustGrow(t, firstRows(all, 20), Growth{}, Options{}), Rows: gone}, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Grow(ctx, all, Growth{}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the context was cancelled", err)
	}
}
