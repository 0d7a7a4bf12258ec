package local

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// addSome upserts n items with ids below most and vectors around 16 centres, a few a call.
func addSome(t *testing.T, s *Store, rng *rand.Rand, n, most int) {
	t.Helper()
	for n > 0 {
		items := make([]index.Item, min(n, 1+rng.IntN(8)))
		for i := range items {
			items[i] = index.Item{ID: index.ID(rng.IntN(most)), Vector: around(rng, s.info.Dim)}
		}
		if err := s.Upsert(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		n -= len(items)
	}
}

func around(rng *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	centre := rand.New(rand.NewPCG(rng.Uint64N(16), 4))
	for i := range v {
		v[i] = float32(centre.NormFloat64() + .7*rng.NormFloat64())
	}
	return v
}

// recall returns the share of the ten nearest that searches find, and the least share of
// items that one of them walked over.
func recall(t *testing.T, s *Store, rng *rand.Rand, searches int) (found, walked float64) {
	t.Helper()
	const k = 10
	walked = 1
	for range searches {
		var e index.Explanation
		q := index.Query{Vector: around(rng, s.info.Dim), K: k, Exact: true}
		want := mustSearch(t, s, q)
		q.Exact, q.Explain = false, &e
		for _, h := range mustSearch(t, s, q) {
			if h.Score >= want[k-1].Score {
				found++
			}
		}
		walked = min(walked, float64(e.Items)/float64(e.Items+e.Scanned))
	}
	return found / float64(searches*k), walked
}

// While items are written, searches walk over all but the ones of the last moment, and find
// what they are asked for.
func TestRowsInMemoryAreInAGraph(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	s := mustCreate(t, t.TempDir(), 24)
	for round := range 24 {
		addSome(t, s, rng, 400, 9000)
		if err := s.grow(t.Context()); err != nil {
			t.Fatal(err)
		}
		addSome(t, s, rng, 100, 9000)
		found, walked := recall(t, s, rng, 15)
		if found < .95 || round > 8 && walked < .9 {
			t.Errorf("after %d rounds: recall %.3f, %.2f of the items were walked over", round+1, found, walked)
		}
	}
	before := bytesInMemory(s)
	mustFlush(t, s)
	if left := bytesInMemory(s); left != 0 {
		t.Errorf("a flush left %d of %d bytes of rows in memory", left, before)
	}
	mustClose(t, s)
}

func bytesInMemory(s *Store) (n int) {
	for _, p := range s.current.Load().parts {
		if p.inMemory() {
			n += p.segment.Bytes()
		}
	}
	return n
}

// Items that are deleted and replaced while their rows are put into a graph are right.
func TestWritesWhileRowsArePutIntoAGraph(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.firstGrown = 30
	put(t, s, 1, idsFrom(0, 60)...)
	mustGrow(t, s, nil)
	put(t, s, 2, idsFrom(50, 140)...)
	mustGrow(t, s, func() {
		remove(t, s, 7, 10, 11, 150) // of the graph, and of what it gets
		put(t, s, 3, 5, 10, 55, 180, 300)
		put(t, s, 3, idsFrom(100, 20)...)
	})
	want := versions(t, s)
	if want[10] != 3 || want[55] != 3 || want[105] != 3 || want[20] != 1 || want[60] != 2 || len(want) != 190-4+2 {
		t.Errorf("%d items, %v", len(want), want)
	}
	mustFlush(t, s)
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	// All rows of the graph go, the graph with them.
	put(t, s, 4, idsFrom(1000, 60)...)
	mustGrow(t, s, func() { remove(t, s, idsFrom(1000, 60)...) })
	put(t, s, 5, idsFrom(1000, 60)...)
	mustGrow(t, s, nil)
	put(t, s, 6, idsFrom(1000, 60)...)
	mustGrow(t, s, func() { put(t, s, 7, 1000) }) // all rows of the graph are dead
	got := versions(t, s)
	if got[1000] != 7 || got[1059] != 6 || len(got) != len(want)+60 {
		t.Errorf("%d items, of versions %d and %d", len(got), got[1000], got[1059])
	}
	mustClose(t, s)
}

// A flush that begins while rows are put into a graph has them; when it fails, they stay.
func TestAFlushWhileRowsArePutIntoAGraph(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.firstGrown = 30
	put(t, s, 1, idsFrom(0, 60)...)
	mustGrow(t, s, func() { mustFlush(t, s) })
	put(t, s, 2, idsFrom(30, 60)...)
	mustGrow(t, s, func() {
		s.flusher.Lock()
		defer s.flusher.Unlock()
		frozen, err := s.freeze(true)
		if err != nil {
			t.Fatal(err)
		}
		s.thaw(frozen.snapshot)
		frozen.release()
	})
	want := versions(t, s)
	if want[0] != 1 || want[30] != 2 || len(want) != 90 {
		t.Errorf("%d items, %v", len(want), want)
	}
	mustFlush(t, s)
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	mustClose(t, s)
}

// A flush has the rows also where all rows of the oldest segment that is put into a graph were
// deleted before it began.
func TestAFlushWithoutTheOldestSegmentThatIsPutIntoAGraph(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.firstGrown = 30
	put(t, s, 1, idsFrom(0, 90)...)
	put(t, s, 1, idsFrom(100, 40)...) // a segment of its own
	var f *frozen
	mustGrow(t, s, func() {
		remove(t, s, idsFrom(0, 90)...)
		put(t, s, 2, 1000) // which drops the segment
		s.flusher.Lock()
		var err error
		if f, err = s.freeze(true); err != nil {
			t.Fatal(err)
		}
	})
	err := s.flushFrozen(t.Context(), f, flushing{plan: plan})
	s.flusher.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if got := versions(t, s); len(got) != 41 || got[100] != 1 || got[1000] != 2 {
		t.Errorf("%d items, %v", len(got), got)
	}
	if left := bytesInMemory(s); left != 0 {
		t.Errorf("%d bytes of rows are in memory after a flush", left)
	}
	mustClose(t, s)
}

// mustGrow is grow, with something done between its beginning and its end.
func mustGrow(t *testing.T, s *Store, meanwhile func()) {
	t.Helper()
	g := s.beginInsertion()
	if g == nil {
		t.Fatal("there is nothing to put into a graph")
	}
	defer g.release()
	if meanwhile != nil {
		meanwhile()
	}
	if err := s.endInsertion(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

// Searches have rows put into a graph once they have looked at them often enough.
func TestSearchesHaveRowsPutIntoAGraph(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	put(t, s, 1, idsFrom(0, firstGrown)...)
	inGraph := func() bool {
		return slices.ContainsFunc(s.current.Load().parts, func(p part) bool { return p.segment.Graph() != nil })
	}
	for range scansOfRow - 1 {
		mustSearch(t, s, index.Query{Vector: []float32{1, 0, 0, 0}, K: 1})
	}
	if s.growing.Load() || inGraph() {
		t.Errorf("rows are put into a graph after %d searches", scansOfRow-1)
	}
	for !inGraph() {
		if t.Context().Err() != nil {
			t.Fatal("rows were not put into a graph")
		}
		mustSearch(t, s, index.Query{Vector: []float32{1, 0, 0, 0}, K: 1})
	}
	mustClose(t, s)
}
