package local

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"engram/data/racetest"
	"engram/index"
)

// What was found for a filter is kept for the filter as it was asked for, and not as its
// caller has changed it since.
func TestAChoiceIsOfTheFilterAsItWas(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 16)
	defer mustClose(t, s)
	putNumbered(t, s, 0, 2000)
	if err := s.IndexPayload(t.Context(), everyField); err != nil {
		t.Fatal(err)
	}
	values, bound := []any{"c1", "c2"}, 10.
	f := index.And{index.In{Key: "class", Values: values}, index.Range{Key: "n", Below: &bound}}
	count := func() int {
		return len(mustSearch(t, s, index.Query{Vector: make16(), K: 2000, Filter: f}))
	}
	if got := count(); got != 2 {
		t.Fatalf("%d hits, wanted 2", got)
	}
	if bound = 100; count() != 20 {
		t.Errorf("%d hits below 100, wanted 20", count())
	}
	if values[1] = "c1"; count() != 10 {
		t.Errorf("%d hits of one class, wanted 10", count())
	}
	for i := range 3 * maxChoices { // more filters than are kept
		for range 2 {
			hits := mustSearch(t, s, index.Query{Vector: make16(), K: 2000, Filter: index.Equal{Key: "n", Value: int64(i)}})
			if len(hits) != 1 || hits[0].ID != index.ID(i) {
				t.Fatalf("hits %v of the item %d", hits, i)
			}
		}
	}
	if kept := len(*s.current.Load().parts[0].segment.choices.Load()); kept > maxChoices {
		t.Errorf("%d choices are kept, wanted %d at most", kept, maxChoices)
	}
}

func make16() []float32 {
	v := make([]float32, 16)
	v[0] = 1
	return v
}

// A filter that was asked for lately costs no memory that grows with the rows.
func TestAFilterAskedForAgainAllocatesLittle(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector, which allocates: a run without it counts")
	}
	const rows, most = 100_000, 4096 // a bit for each row is 12,500 bytes
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	s.segmentRows = 2 * rows // no graph is built meanwhile
	rng := rand.New(rand.NewPCG(1, 1))
	items := make([]index.Item, rows)
	for i := range items {
		items[i] = index.Item{ID: index.ID(i), Vector: []float32{1, rng.Float32(), rng.Float32(), rng.Float32()}, Payload: index.Payload{"n": int64(i)}}
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"n": index.Number}); err != nil {
		t.Fatal(err)
	}
	for _, below := range []float64{rows, rows / 2, 10} {
		t.Run(fmt.Sprint(below), func(t *testing.T) {
			q := index.Query{Vector: []float32{1, 0, 0, 0}, K: 10, Filter: index.Range{Key: "n", Below: &below}}
			search := func() {
				if _, err := s.Search(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			search()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 100 {
				search()
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / 100; got > most {
				t.Errorf("a search allocates %d bytes, wanted %d at most", got, most)
			}
		})
	}
}
