package local

import (
	"cmp"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"engram/index"
)

// world is a store beside what it should hold.
type world struct {
	*Store
	dir  string
	rng  *rand.Rand
	want map[index.ID]wanted
}

// wanted is an item that should be there.
type wanted struct {
	vector []float32
	half   bool // its payload
}

// step does something to the store at random.
func (w *world) step(t *testing.T) {
	t.Helper()
	var err error
	switch w.rng.IntN(15) {
	case 0, 1, 2:
		items := make([]index.Item, 1+w.rng.IntN(600))
		for i := range items {
			id, v, half := index.ID(w.rng.IntN(4000)), w.direction(), w.rng.IntN(2) == 0
			items[i] = index.Item{ID: id, Vector: v, Payload: index.Payload{"half": half}}
			w.want[id] = wanted{v, half}
		}
		err = w.Upsert(t.Context(), items)
	case 3:
		var gone []index.ID
		for _, id := range w.run() {
			gone = append(gone, id)
			delete(w.want, id)
		}
		_, err = w.Delete(t.Context(), gone)
	case 4:
		payloads := map[index.ID]index.Payload{}
		for _, id := range w.run() {
			half := w.rng.IntN(3) == 0
			payloads[id] = index.Payload{"half": half}
			if item, there := w.want[id]; there {
				w.want[id] = wanted{item.vector, half}
			}
		}
		_, err = w.SetPayloads(t.Context(), payloads)
	case 5:
		err = w.Flush(t.Context())
	case 6:
		err = w.EndBulk(t.Context(), nil)
	case 7:
		err = w.Optimise(t.Context(), nil)
	case 8:
		err = w.IndexPayload(t.Context(), map[string]index.PayloadKind{"half": index.Bool})
	case 9:
		err = w.SetDurability([]Durability{AtFlush, Logged, Synced}[w.rng.IntN(3)])
	case 10:
		dir := filepath.Join(t.TempDir(), "snapshot")
		err = w.Snapshot(t.Context(), dir)
		w.goOn(t, dir)
	case 11:
		if w.log != nil { // or else something may be neither logged nor flushed
			w.goOn(t, w.killed(t))
		}
	case 12, 13:
		err = w.grow(t.Context())
	default:
		mustClose(t, w.Store)
		w.Store = w.open(t)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run returns ids in a row.
func (w *world) run() []index.ID {
	first, ids := w.rng.IntN(4000), make([]index.ID, w.rng.IntN(400))
	for i := range ids {
		ids[i] = index.ID(first + i)
	}
	return ids
}

// goOn takes the index in a folder, which has the same items, for the store.
func (w *world) goOn(t *testing.T, dir string) {
	t.Helper()
	mustClose(t, w.Store)
	w.dir = dir
	w.Store = w.open(t)
}

// killed returns a folder as a process leaves it that is killed.
func (w *world) killed(t *testing.T) (dir string) {
	t.Helper()
	w.flusher.Lock() // or else files would come and go while they are copied
	defer w.flusher.Unlock()
	dir = filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (w *world) open(t *testing.T) *Store {
	t.Helper()
	s := mustOpen(t, w.dir)
	s.graphRows, s.segmentRows, s.firstGrown, s.calm, s.memoryLimit = 300, 300, 100, 0, 60<<10
	return s
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
	for _, item := range w.want {
		if filter == nil || item.half {
			scores = append(scores, score(item.vector))
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
			item, there := w.want[h.ID]
			if !there || filter != nil && !item.half || math.Abs(score(item.vector)-float64(h.Score)) > 1e-5 {
				t.Fatalf("hit %+v, the item is there: %t, it is %+v", h, there, item)
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

var sequences = flag.Uint64("sequences", 3, "how many sequences of random operations are tried")

// Whatever is written, logged, deleted, merged, indexed, copied and put into graphs,
// searches find what is there, also after the process was killed. More is tried by
// go test ./index/local -run RandomOperations -sequences 100.
func TestRandomOperations(t *testing.T) {
	walked := 0
	for seed := range *sequences {
		dir := t.TempDir()
		mustClose(t, mustCreate(t, dir, 6))
		w := &world{dir: dir, rng: rand.New(rand.NewPCG(seed, 1)), want: map[index.ID]wanted{}}
		w.Store = w.open(t)
		near, all := 0, 0
		for range 80 {
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
	if walked < 30 {
		t.Errorf("graphs of many rows were there %d times, wanted 30 or more", walked)
	}
}
