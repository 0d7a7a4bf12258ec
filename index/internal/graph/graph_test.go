package graph

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/racetest"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// clustered returns unit vectors around 20 centres. Every copies-th one is a copy of
// row 0, where copies is not 0.
func clustered(rng *rand.Rand, n, dim, copies int) *column.Rows {
	centres := make([]float64, 20*dim)
	for i := range centres {
		centres[i] = rng.NormFloat64()
	}
	rows := column.New(dim, n)
	for row := range n {
		v := rows.Vector(row)
		if copies > 0 && row%copies == 0 && row > 0 {
			copy(v, rows.Vector(0))
		} else {
			unitNear(rng, v, centres[row%20*dim:][:dim])
		}
		rows.IDs[row] = index.ID(10 * row)
		rows.Quantise(row)
	}
	return &rows
}

func unitNear(rng *rand.Rand, v []float32, centre []float64) {
	square := 0.
	x := make([]float64, len(v))
	for i := range x {
		x[i] = centre[i] + .8*rng.NormFloat64()
		square += x[i] * x[i]
	}
	for i := range x {
		v[i] = float32(x[i] / math.Sqrt(square))
	}
}

func mustBuild(t *testing.T, rows *column.Rows, opts Options) *Graph {
	t.Helper()
	g, err := Build(t.Context(), rows, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(len(rows.IDs)); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTheGraphDoesNotDependOnThreads(t *testing.T) {
	rows := clustered(rand.New(rand.NewPCG(1, 1)), 3000, 48, 0)
	one := mustBuild(t, rows, Options{Seed: 7, Threads: 1})
	if diff := cmp.Diff(one, mustBuild(t, rows, Options{Seed: 7, Threads: 3})); diff != "" {
		t.Errorf("with 1 and 3 threads:\n%s", diff)
	}
	if other := mustBuild(t, rows, Options{Seed: 8, Threads: 3}); slices.Equal(one.Links, other.Links) {
		t.Error("another seed gives the same links")
	}
}

func TestEveryRowIsReached(t *testing.T) {
	for name, rows := range map[string]*column.Rows{
		"one row":    clustered(rand.New(rand.NewPCG(1, 2)), 1, 8, 0),
		"30 rows":    clustered(rand.New(rand.NewPCG(1, 3)), 30, 8, 0),
		"clusters":   clustered(rand.New(rand.NewPCG(1, 4)), 3000, 24, 0),
		"half equal": clustered(rand.New(rand.NewPCG(1, 5)), 2000, 24, 2),
		"all equal":  clustered(rand.New(rand.NewPCG(1, 6)), 1500, 24, 1),
	} {
		t.Run(name, func(t *testing.T) {
			g := mustBuild(t, rows, Options{Threads: 2})
			reached := map[uint32]bool{}
			todo := slices.Clone(g.Entries)
			for len(todo) > 0 {
				row := todo[len(todo)-1]
				if todo = todo[:len(todo)-1]; reached[row] {
					continue
				}
				reached[row] = true
				for _, to := range g.of(row) {
					if to != none {
						todo = append(todo, to)
					}
				}
			}
			if len(reached) != len(rows.IDs) {
				t.Errorf("%d of %d rows are reached", len(reached), len(rows.IDs))
			}
			if most := len(rows.IDs)/4 + 1; len(rows.IDs) > 1024 && len(g.Entries) > most {
				t.Errorf("%d entries, wanted at most %d", len(g.Entries), most)
			}
		})
	}
}

// The recall that Build measures is the recall that other queries have.
func TestWhatWasMeasuredHolds(t *testing.T) {
	const k = 10
	rng := rand.New(rand.NewPCG(2, 1))
	all := clustered(rng, 6200, 64, 0)
	rows := *all
	const n = 6000 // the others are queries
	rows.IDs, rows.Scales, rows.Residuals = all.IDs[:n], all.Scales[:n], all.Residuals[:n]
	rows.Vectors, rows.Codes = all.Vectors[:n*column.VectorStride(64)], all.Codes[:n*column.CodeStride(64)]
	g := mustBuild(t, &rows, Options{Threads: 2})
	parts := []column.Part{{Rows: &rows}}
	for _, l := range g.Levels {
		if l.K != k {
			continue
		}
		found := 0
		one := Searcher{Graphs: []*Graph{{Links: g.Links, Entries: g.Entries, First: g.First, Near: -1, Levels: []Level{{K: k, Effort: l.Effort, Unseen: 1, Distant: 1}}}}, Recall: .5}
		for row := n; row < len(all.IDs); row++ {
			exact := mustSearch(t, flat.Scan{}, parts, all.Vector(row), k)
			for _, m := range mustSearch(t, one, parts, all.Vector(row), k) {
				if m.Score >= exact[k-1].Score {
					found++
				}
			}
		}
		recall := float64(found) / float64(k*(len(all.IDs)-n))
		if math.Abs(recall-float64(l.Unseen)) > .04 {
			t.Errorf("recall %.3f by an effort of %d, %.3f was measured", recall, l.Effort, l.Unseen)
		}
	}
	if last := g.Levels[len(g.Levels)-1]; last.Unseen < .99 || last.Distant < .99 {
		t.Errorf("%+v, wanted a level that finds nearly all", last)
	}
}

func mustSearch(t *testing.T, s column.Searcher, parts []column.Part, q []float32, k int) []column.Match {
	t.Helper()
	matches, err := s.Search(t.Context(), nil, parts, q, k)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(matches, column.Compare) {
		t.Fatalf("%v is not in order", matches)
	}
	return matches
}

// A search finds k rows of all parts, whether they have a graph or not and however many
// rows are dead, with the scores of an exact scan.
func TestASearchOverPartsFindsK(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	a, b := clustered(rng, 2000, 40, 0), clustered(rng, 50, 40, 0)
	for i := range b.IDs {
		b.IDs[i]++
	}
	g := mustBuild(t, a, Options{})
	walk := Searcher{Graphs: []*Graph{g, nil}, Recall: .9}
	for _, alive := range []int{2000, 300, 4, 0} {
		dead := column.Bits(nil).Clone(len(a.IDs))
		for i := alive; i < len(a.IDs); i++ {
			dead.Set(i)
		}
		parts := []column.Part{{Rows: a, Dead: dead}, {Rows: b}}
		near, all := 0, 0
		for row := range 100 {
			q := a.Vector(row * 19)
			exact := mustSearch(t, flat.Scan{}, parts, q, 5)
			scores := map[index.ID]column.Match{}
			for _, m := range mustSearch(t, flat.Scan{}, parts, q, 2050) {
				scores[m.ID] = m
			}
			got := mustSearch(t, walk, parts, q, 5)
			if len(got) != len(exact) {
				t.Fatalf("%d rows alive: %d matches, wanted %d", alive, len(got), len(exact))
			}
			for _, m := range got {
				if m != scores[m.ID] {
					t.Fatalf("%d rows alive: %+v, a scan has %+v", alive, m, scores[m.ID])
				}
				if all++; m.Score >= exact[len(exact)-1].Score {
					near++
				}
			}
		}
		if near < all*9/10 {
			t.Errorf("%d rows alive: %d of %d matches are among the nearest", alive, near, all)
		}
	}
}

// A link that damage has changed costs hits, and nothing else.
func TestWrongLinksAreHarmless(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	rows := clustered(rng, 1500, 16, 0)
	g := mustBuild(t, rows, Options{})
	for i := range g.Links {
		g.Links[i] = rng.Uint32()
		if i%3 == 0 {
			g.Links[i] %= 1500
		}
	}
	walk := Searcher{Graphs: []*Graph{g}, Recall: .8}
	for row := range 50 {
		if got := mustSearch(t, walk, []column.Part{{Rows: rows}}, rows.Vector(row), 10); len(got) != 10 {
			t.Fatalf("%d matches, wanted 10", len(got))
		}
	}
}

func TestASearchAllocatesNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector: it makes sync.Pool allocate")
	}
	rows := clustered(rand.New(rand.NewPCG(5, 1)), 2000, 32, 0)
	walk := Searcher{Graphs: []*Graph{mustBuild(t, rows, Options{})}, Recall: .9}
	parts, dst, row := []column.Part{{Rows: rows}}, make([]column.Match, 0, 10), 0
	if efforts, ok, _ := (&search{k: 10}).efforts(walk, 0, parts[0]); !ok {
		t.Fatalf("efforts of %+v: the graph is not walked", efforts)
	}
	allocs := testing.AllocsPerRun(200, func() {
		row++
		var err error
		if dst, err = walk.Search(t.Context(), dst[:0], parts, rows.Vector(row), 10); err != nil || len(dst) != 10 {
			t.Fatalf("%d matches, error %v", len(dst), err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestABuildEndsWithItsContext(t *testing.T) {
	rows := clustered(rand.New(rand.NewPCG(6, 1)), 2000, 16, 0)
	ctx, cancel := context.WithCancel(t.Context())
	last := 0
	_, err := Build(ctx, rows, Options{Threads: 2, Progress: func(n int) {
		if last = n; n > 500 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || last > 1100 {
		t.Errorf("error %v after %d rows, wanted %v after about 500", err, last, context.Canceled)
	}
}

// A filter that chooses many rows is asked about few of them, and one that chooses few
// leaves the part to a scan. Either way k rows are found, where there are so many.
func TestAFilteredSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	rows := clustered(rng, 4000, 40, 0)
	walk := Searcher{Graphs: []*Graph{mustBuild(t, rows, Options{})}, Recall: .9}
	for _, every := range []int{1, 2, 3, 10, 1000, 5000} {
		asks, near, all := 0, 0, 0
		part := column.Part{Rows: rows, Filter: func() column.Chooser {
			return func(row int) (bool, error) {
				asks++
				return (row/7+1)%every == 0, nil
			}
		}}
		for query := range 50 {
			q := rows.Vector(query * 61)
			exact := mustSearch(t, flat.Scan{}, []column.Part{part}, q, 10)
			asks = 0
			got := mustSearch(t, walk, []column.Part{part}, q, 10)
			if every <= 2 && asks > 500 {
				t.Errorf("1 of %d rows: the filter is asked %d times", every, asks)
			}
			if len(got) != len(exact) {
				t.Fatalf("1 of %d rows: %d matches, wanted %d", every, len(got), len(exact))
			}
			for _, m := range got {
				if (m.Row/7+1)%every != 0 {
					t.Fatalf("1 of %d rows: row %d is found", every, m.Row)
				}
				if all++; m.Score >= exact[len(exact)-1].Score {
					near++
				}
			}
		}
		if near < all*9/10 {
			t.Errorf("1 of %d rows: %d of %d matches are among the nearest", every, near, all)
		}
	}
}

func TestAFilterThatFails(t *testing.T) {
	rows := clustered(rand.New(rand.NewPCG(8, 1)), 2000, 16, 0)
	walk := Searcher{Graphs: []*Graph{mustBuild(t, rows, Options{})}, Recall: .5}
	for _, after := range []int{0, asked + 3} {
		asks := 0
		part := column.Part{Rows: rows, Filter: func() column.Chooser {
			return func(int) (bool, error) {
				if asks++; asks > after {
					return false, index.ErrCorrupt
				}
				return true, nil
			}
		}}
		if got, err := walk.Search(t.Context(), nil, []column.Part{part}, rows.Vector(0), 5); !errors.Is(err, index.ErrCorrupt) || len(got) != 0 {
			t.Errorf("after %d answers: %d matches, error %v, want ErrCorrupt", after, len(got), err)
		}
	}
}
