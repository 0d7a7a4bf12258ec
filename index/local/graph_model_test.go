package local

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/index"
)

// world is a store beside what it should hold.
type world struct {
	*Store
	dir  string
	rng  *rand.Rand
	want map[index.ID][]float32
}

// step does something to the store at random.
func (w *world) step(t *testing.T) {
	t.Helper()
	var err error
	switch w.rng.IntN(8) {
	case 0, 1, 2:
		items := make([]index.Item, 1+w.rng.IntN(600))
		for i := range items {
			id, v := index.ID(w.rng.IntN(4000)), w.direction()
			items[i] = index.Item{ID: id, Vector: v, Payload: index.Payload{"half": id%2 == 0}}
			w.want[id] = v
		}
		err = w.Upsert(t.Context(), items)
	case 3:
		first, n := w.rng.IntN(4000), w.rng.IntN(400)
		var ids []index.ID
		for id := first; id < first+n; id++ {
			ids = append(ids, index.ID(id))
			delete(w.want, index.ID(id))
		}
		_, err = w.Delete(t.Context(), ids)
	case 4:
		err = w.Flush(t.Context())
	case 5:
		err = w.EndBulk(t.Context(), nil)
	case 6:
		err = w.Optimise(t.Context(), nil)
	default:
		mustClose(t, w.Store)
		w.Store = mustOpen(t, w.dir)
		w.graphRows = 300
	}
	if err != nil {
		t.Fatal(err)
	}
}

// direction returns a random unit vector.
func (w *world) direction() []float32 {
	v := make([]float32, 6)
	for i := range v {
		v[i] = float32(w.rng.NormFloat64())
	}
	unit, err := index.Unit(v, len(v))
	if err != nil {
		panic(err) // no direction has length 0
	}
	return unit
}

// check compares a search with what the store should hold: the exact one in full, any
// other by the number, the scores and the choice of its hits. It returns how many of
// the nearest were found.
func (w *world) check(t *testing.T, filter index.Filter) (found, all int) {
	t.Helper()
	const k = 3
	q := w.direction()
	var scores []float64
	score := func(v []float32) (sum float64) {
		for i, x := range v {
			sum += float64(x) * float64(q[i])
		}
		return sum
	}
	for id, v := range w.want {
		if filter == nil || id%2 == 0 {
			scores = append(scores, score(v))
		}
	}
	slices.SortFunc(scores, func(a, b float64) int { return cmp.Compare(b, a) })
	scores = scores[:min(k, len(scores))]
	nearest := func(exact bool) (found int) {
		hits := mustSearch(t, w.Store, index.Query{Vector: q, K: k, Filter: filter, Exact: exact})
		if len(hits) != len(scores) {
			t.Fatalf("%d hits, wanted %d", len(hits), len(scores))
		}
		for _, h := range hits {
			v, there := w.want[h.ID]
			if !there || filter != nil && h.ID%2 != 0 || math.Abs(score(v)-float64(h.Score)) > 1e-5 {
				t.Fatalf("hit %+v, the item is there: %t, with the vector %v", h, there, v)
			}
			if float64(h.Score) > scores[len(scores)-1]-1e-5 {
				found++
			}
		}
		return found
	}
	if found := nearest(true); found != len(scores) {
		t.Fatalf("%d of %d exact hits are the nearest", found, len(scores))
	}
	return nearest(false), len(scores)
}

// Whatever is written, deleted, merged and put into graphs, searches find what is there.
func TestRandomOperationsWithGraphs(t *testing.T) {
	walked := 0
	for seed := range uint64(4) {
		dir := t.TempDir()
		w := &world{Store: mustCreate(t, dir, 6), dir: dir, rng: rand.New(rand.NewPCG(seed, 1)), want: map[index.ID][]float32{}}
		w.graphRows = 300
		near, all := 0, 0
		for range 60 {
			w.step(t)
			for _, filter := range []index.Filter{nil, index.Equal{Key: "half", Value: true}} {
				for range 4 {
					found, of := w.check(t, filter)
					near, all = near+found, all+of
				}
			}
			for _, p := range w.current.Load().parts {
				if p.segment.Graph() != nil && p.live > 1000 {
					walked++
				}
			}
		}
		if near < all*9/10 {
			t.Errorf("seed %d: %d of %d hits are among the nearest", seed, near, all)
		}
		if err := w.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		mustClose(t, w.Store)
	}
	if walked < 50 {
		t.Errorf("graphs of many rows were there %d times, wanted 50 or more", walked)
	}
}
