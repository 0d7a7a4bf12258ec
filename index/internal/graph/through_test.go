package graph

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/data/racetest"
	"engram/index/internal/column"
	"engram/index/internal/flat"
	"engram/index/internal/invariants"
)

// chosen returns a part whose filter chooses the first n rows of an order.
func chosen(rows *column.Rows, order []int, n int) column.Part {
	p := column.Part{Rows: rows, Possible: column.Bits(nil).Clone(len(order)), Matches: n}
	for _, row := range order[:n] {
		p.Possible.Set(row)
	}
	return p
}

// orders returns the rows by chance, the nearest to a row first, the nearest to another one
// first, and the furthest first.
func orders(t *testing.T, rows *column.Rows, row int, rng *rand.Rand) map[string][]int {
	t.Helper()
	nearest := func(row int) (order []int) {
		for _, m := range mustSearch(t, flat.Scan{}, []column.Part{{Rows: rows}}, rows.Vector(row), len(rows.IDs)) {
			order = append(order, m.Row)
		}
		return order
	}
	around := nearest(row)
	away := slices.Clone(around)
	slices.Reverse(away)
	return map[string][]int{"random": rng.Perm(len(around)), "around": around, "another": nearest(rng.IntN(len(around))), "away": away}
}

// Whether a filter chooses rows by chance, near the query or far from it, and however many
// of them, a search finds min(k, matches) hits and nearly all of the nearest. Most filters
// by chance are answered by a walk.
func TestChosenRowsAreFound(t *testing.T) {
	const n, dim, k, pivots, each = 16_000, 24, 10, 4, 5
	rng := rand.New(rand.NewPCG(8, 1))
	rows := clustered(rng, n, dim, 0)
	g := mustBuild(t, rows, Options{Threads: 2})
	s := Searcher{Graphs: []*Graph{g}, Recall: .95}
	found, all, walked, searched := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for range pivots {
		row := rng.IntN(n)
		byKind := orders(t, rows, row, rng)
		for _, name := range slices.Sorted(maps.Keys(byKind)) { // or else the queries would be others each time
			order := byKind[name]
			for _, matches := range []int{n, n * 99 / 100, n * 9 / 10, n * 2 / 5, n / 10, n / 100, 3, 1} {
				kind := fmt.Sprint(name, " ", matches)
				part := chosen(rows, order, matches)
				for range each {
					q := turned(rng, rows.Vector(row))
					want := mustSearch(t, flat.Scan{}, []column.Part{part}, q, k)
					got := mustSearch(t, s, []column.Part{part}, q, k)
					if len(got) != min(k, matches) || len(want) != len(got) {
						t.Fatalf("%s: %d hits and %d exact ones", kind, len(got), len(want))
					}
					for _, m := range got {
						if !part.Possible.Has(m.Row) {
							t.Fatalf("%s: row %d is not chosen", kind, m.Row)
						}
						if m.Score >= want[len(want)-1].Score {
							found[kind]++
						}
					}
					all[kind] += len(want)
					if walks(t, s, part, q, k) {
						walked[kind]++
					}
					searched[kind]++
				}
			}
		}
	}
	for kind, of := range all {
		if 100*found[kind] < 95*of {
			t.Errorf("%s: %d of %d hits are among the nearest, wanted 95 %%", kind, found[kind], of)
		}
	}
	for _, matches := range []int{n, n * 9 / 10, n * 2 / 5} {
		for _, name := range []string{"random", "around"} {
			if kind := fmt.Sprint(name, " ", matches); 10*walked[kind] < 8*searched[kind] {
				t.Errorf("%s: %d of %d searches walk, wanted most", kind, walked[kind], searched[kind])
			}
		}
	}
}

// walks reports whether a search is answered by a walk.
func walks(t *testing.T, s Searcher, part column.Part, q []float32, k int) bool {
	t.Helper()
	s.Report = new(Report)
	mustSearch(t, s, []column.Part{part}, q, k)
	return s.Report.Walked > 0
}

// turned returns a vector of unit length near another one.
func turned(rng *rand.Rand, v []float32) []float32 {
	centre := make([]float64, len(v))
	for i, x := range v {
		centre[i] = float64(x) * math.Sqrt(float64(len(v))) * 1.6
	}
	q := make([]float32, len(v))
	unitNear(rng, q, centre)
	return q
}

// A walk for chosen rows ends once it has cost as much as their scan, and before where it is
// likely to. Without an estimate it goes on to the end, and finds the rows.
func TestAWalkIsGivenUp(t *testing.T) {
	const n, k = 8000, 10
	rng := rand.New(rand.NewPCG(8, 3))
	rows := clustered(rng, n, 24, 0)
	g := mustBuild(t, rows, Options{Threads: 2})
	efforts, ok := g.Efforts(k, .95)
	if !ok {
		t.Fatal("the graph does not reach the recall")
	}
	s := searches.Get().(*search)
	defer s.release()
	row := rng.IntN(n)
	part := chosen(rows, orders(t, rows, row, rng)["away"], n/2)
	s.query.Set(turned(rng, rows.Vector(row)))
	budget := scanCost(part)
	largest := float64(comparison*Degree + expansion) // of one step
	for _, sure := range []bool{false, true} {
		walk := through{search: s, graph: g, part: part, k: k, recall: .95, efforts: efforts, budget: budget, sure: sure}
		if walk.run() {
			t.Fatal("the walk finds rows from the middle of the list for less than a scan")
		}
		if cost := walk.cost(); cost > budget+largest || !sure && cost > budget/2 {
			t.Errorf("with sure %v it cost %.0f, a scan costs %.0f", sure, cost, budget)
		}
	}
	walk := through{search: s, graph: g, part: part, k: k, recall: .95, efforts: efforts, budget: math.Inf(1), sure: true}
	if !walk.run() || len(s.beam) < k {
		t.Fatalf("%d rows were found, wanted %d", len(s.beam), k)
	}
	if err := s.scoreBeam(part, k); err != nil {
		t.Fatal(err)
	}
	want, found := mustSearch(t, flat.Scan{}, []column.Part{part}, s.query.Vector, k), 0
	for _, m := range s.best {
		if m.Score >= want[k-1].Score {
			found++
		}
	}
	if found < k*8/10 {
		t.Errorf("%d of the nearest %d rows were found", found, k)
	}
}

// How a search with a filter is answered depends on where the chosen rows lie.
func TestTheWayOfAFilter(t *testing.T) {
	const n, k = 16_000, 10
	rng := rand.New(rand.NewPCG(8, 4))
	rows := clustered(rng, n, 24, 0)
	graphs := []*Graph{mustBuild(t, rows, Options{Threads: 2})}
	row := rng.IntN(n)
	order := orders(t, rows, row, rng)
	q := turned(rng, rows.Vector(row))
	for _, c := range []struct {
		kind            string
		matches         int
		through         bool
		walked, givenUp bool
	}{
		{"around", n, false, true, false},
		{"around", n / 4, false, true, false},
		{"random", n * 3 / 4, false, true, false},
		{"away", n / 2, false, false, true},
		{"around", k, false, false, false}, // a scan costs less than the shortest walk
		{"random", 1, false, false, false},
		{"around", n / 32, true, true, false},
		{"away", n / 8, true, false, true},
	} {
		report := new(Report)
		s := Searcher{Graphs: graphs, Recall: .95, Through: c.through, Report: report}
		if got := mustSearch(t, s, []column.Part{chosen(rows, order[c.kind], c.matches)}, q, k); len(got) != min(k, c.matches) {
			t.Errorf("%+v: %d hits", c, len(got))
		}
		if (report.Walked > 0) != c.walked || report.GivenUp != c.givenUp || report.Scanned > 0 == c.walked {
			t.Errorf("%+v: %+v", c, report)
		}
	}
}

// The frontier gives the best row first, whatever the order in which rows come and go.
func TestFrontier(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 5))
	var open frontier
	var left []float32
	for range 2000 {
		if len(left) > 0 && rng.IntN(5) < 2 {
			best := slices.Max(left)
			if c := open.pop(); c.score != best {
				t.Fatalf("a row of score %v, wanted %v", c.score, best)
			}
			left = slices.Delete(left, slices.Index(left, best), slices.Index(left, best)+1)
			continue
		}
		score := float32(rng.IntN(50))
		open.push(candidate{score: score})
		left = append(left, score)
	}
	if len(open) != len(left) {
		t.Errorf("%d rows are left, wanted %d", len(open), len(left))
	}
}

// A search among chosen rows allocates nothing once a few have run.
func TestASearchAmongChosenRowsAllocatesNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector, which allocates: a run without it counts")
	}
	if invariants.Enabled {
		t.Skip("SKIPPED with the tag invariants: assertions allocate their messages")
	}
	const n, k = 8000, 5
	rng := rand.New(rand.NewPCG(8, 2))
	rows := clustered(rng, n, 16, 0)
	s := Searcher{Graphs: []*Graph{mustBuild(t, rows, Options{Threads: 2})}, Recall: .9}
	order, dst := rng.Perm(n), make([]column.Match, 0, 2*k)
	for _, matches := range []int{n * 9 / 10, n * 2 / 5, n / 100} {
		parts := []column.Part{chosen(rows, order, matches)}
		search := func() {
			if _, err := s.Search(t.Context(), dst, parts, rows.Vector(3), k); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			search()
		}
		if got := testing.AllocsPerRun(50, search); got >= 1 {
			t.Errorf("%d matches: %v allocations a search", matches, got)
		}
	}
}
