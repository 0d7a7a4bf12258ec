package graph

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/data/simd"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// split returns the rows in two parts, of a third and of two thirds, with their graphs.
func split(t *testing.T, all *column.Rows) (parts []column.Part, graphs []*Graph) {
	t.Helper()
	for _, small := range []bool{true, false} {
		var of []int
		for row := range all.IDs {
			if (row%3 == 0) == small {
				of = append(of, row)
			}
		}
		own := column.New(all.Dim, len(of))
		for i, row := range of {
			own.IDs[i] = all.IDs[row]
			copy(own.Vector(i), all.Vector(row))
			own.Quantise(i)
		}
		parts, graphs = append(parts, column.Part{Rows: &own}), append(graphs, mustBuild(t, &own, Options{}))
	}
	return parts, graphs
}

// counted has the vectors of rows read as if from a file, and counts how many are.
func counted(rows *column.Rows, reads *int) {
	rows.Read = func(dst []float32, row int) error {
		*reads++
		copy(dst, rows.Vector(row))
		return nil
	}
}

// The rows of several parts are scored together, so that a search reads hardly more vectors
// than one of a single part.
func TestPartsAreScoredTogether(t *testing.T) {
	const k, queries = 10, 50
	all := clustered(rand.New(rand.NewPCG(5, 1)), 6000, 256, 0)
	parts, graphs := split(t, all)
	single, graph := []column.Part{{Rows: all}}, []*Graph{mustBuild(t, all, Options{})}
	for _, g := range append(graphs, graph...) {
		g.Levels = []Level{{K: k, Effort: 24, Unseen: 1}}
	}
	var want [][]column.Match
	for row := range queries {
		want = append(want, mustSearch(t, flat.Scan{}, parts, all.Vector(row), k))
	}
	ofParts, ofOne := 0, 0
	for _, p := range parts {
		counted(p.Rows, &ofParts)
	}
	counted(all, &ofOne)
	for row := range queries {
		got := mustSearch(t, Searcher{Graphs: graphs, Recall: .98}, parts, all.Vector(row), k)
		if got[0] != want[row][0] {
			t.Errorf("the row nearest to row %d is %+v, wanted %+v", row, got[0], want[row][0])
		}
		mustSearch(t, Searcher{Graphs: graph, Recall: .98}, single, all.Vector(row), k)
	}
	t.Logf("%d reads, %d of a single part", ofParts, ofOne)
	if 10*ofParts > 13*ofOne {
		t.Errorf("%d vectors were read, %d of a single part", ofParts, ofOne)
	}
}

// A query that is not distant for the largest part is not for the others, whose first
// entries are few.
func TestTheLargestPartTellsDistantQueries(t *testing.T) {
	all := clustered(rand.New(rand.NewPCG(5, 2)), 5000, 64, 0)
	parts, graphs := split(t, all)
	for _, g := range graphs {
		g.Levels = []Level{{K: 10, Effort: 12, Unseen: 1}, {K: 10, Effort: 24, Unseen: 1, Distant: 1}}
	}
	for _, c := range []struct{ small, large, effort int }{{-1, -1, 12}, {1, -1, 12}, {-1, 1, 24}, {1, 1, 24}} {
		graphs[0].Near, graphs[1].Near = float32(math.Inf(c.small)), float32(math.Inf(c.large))
		report := &Report{}
		mustSearch(t, Searcher{Graphs: graphs, Recall: .98, Report: report}, parts, all.Vector(1), 10)
		if report.Effort != c.effort {
			t.Errorf("distant for the small part %v, for the large one %v: effort %d, wanted %d", c.small > 0, c.large > 0, report.Effort, c.effort)
		}
	}
}

// Walks for a distant query share half as much again as one of a single part.
func TestDistantQueriesShareMore(t *testing.T) {
	all := clustered(rand.New(rand.NewPCG(5, 2)), 600, 64, 0)
	parts, graphs := split(t, all)
	for _, distant := range []bool{false, true} {
		graphs[1].Near = float32(math.Inf(map[bool]int{false: -1, true: 1}[distant]))
		s := &search{walker: walker{kernels: simd.Best()}, k: 10, base: Efforts{Near: 12, Distant: 24}}
		s.query.Set(all.Vector(1))
		if ok := s.walkShared(1, parts[1], graphs[1], s.base); !ok || s.common != map[bool]int{false: 12, true: 36}[distant] {
			t.Errorf("distant %v: a common effort of %d, walked %v", distant, s.common, ok)
		}
	}
}

// A part whose beam has too few live rows is scanned, and none of its rows is found twice.
func TestASharedWalkPastDeadRows(t *testing.T) {
	const k = 10
	all := clustered(rand.New(rand.NewPCG(5, 3)), 6000, 64, 0)
	parts, graphs := split(t, all)
	q := all.Vector(0) // in the small part
	for _, m := range mustSearch(t, flat.Scan{}, parts[:1], q, 300) {
		if parts[0].Dead == nil {
			parts[0].Dead = column.Bits(nil).Clone(len(parts[0].IDs))
		}
		parts[0].Dead.Set(m.Row)
	}
	parts[0].Live = len(parts[0].IDs) - 300
	want := mustSearch(t, flat.Scan{}, parts, q, k)
	report := &Report{}
	got := mustSearch(t, Searcher{Graphs: graphs, Recall: .9, Report: report}, parts, q, k)
	if report.Scanned != len(parts[0].IDs) || report.Walked != len(parts[1].IDs) {
		t.Errorf("%d rows were scanned and %d walked, wanted %d and %d", report.Scanned, report.Walked, len(parts[0].IDs), len(parts[1].IDs))
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, wanted %v", got, want)
	}
}

// A walk ends where the better rows of other parts and of its own beam are as many as a
// walk over all parts keeps.
func TestASharedWalkEnds(t *testing.T) {
	w := &walker{common: 4, path: make([]candidate, leastSteps)}
	for _, score := range []float32{9, 7, 5, 3} {
		w.others = append(w.others, pooled{candidate: candidate{score: score}})
	}
	for _, c := range []struct {
		next, effort int
		score        float32
		ends         bool
	}{{0, 4, 4, false}, {0, 4, 2, true}, {1, 4, 4, true}, {1, 4, 6, false}, {3, 4, 8, true}, {3, 4, 9, false}, {1, 8, 4, false}, {2, 8, 4, true}} {
		if w.next = c.next; w.ends(c.score, c.effort) != c.ends {
			t.Errorf("%d rows of an effort of %d before one of score %v: the walk ends is %v, wanted %v", c.next, c.effort, c.score, !c.ends, c.ends)
		}
	}
	if w.path = w.path[1:]; w.ends(0, 4) {
		t.Error("the walk ends before it has expanded leastSteps rows")
	}
}
