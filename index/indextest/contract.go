package indextest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// Opener opens the store called name, an empty one of dimension dim the first
// time and afterwards what the store held when it was closed. Contract uses a
// name for one store at a time and closes what it opens.
type Opener func(t testing.TB, name string, dim int) index.Store

// Contract runs the tests of index.Store on an engine.
func Contract(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f fixture)
	}{
		{"an empty store has nothing", testEmpty},
		{"items come back as they went in", testRoundTrip},
		{"vectors are normalised in a copy", testNormalised},
		{"the same id replaces", testReplace},
		{"deleted items are gone", testDelete},
		{"payloads are replaced alone", testSetPayloads},
		{"a bad item refuses the whole call", testRefused},
		{"search orders by score and then id", testOrder},
		{"search refuses what it cannot answer", testQueries},
		{"an exact search is exact", testExact},
		{"a search reaches its recall", testRecall},
		{"a batch answers as its searches do", testBatch},
		{"a filter chooses by payload", testFilter},
		{"an unusable filter is refused", testFilterRefused},
		{"a filter leaves min(K, matches) hits", testFilterCount},
		{"any filter chooses what Match says", testFilterModel},
		{"an index of a payload key changes no answer", testIndexPayload},
		{"values of payloads are counted", testValueCounts},
		{"results are what their definition says", testResults},
		{"pages stay stable while others write", testPagesWhileOthersWrite},
		{"a diverse search weighs relevance and novelty", testDiverse},
		{"all yields in order of id as of its start", testAll},
		{"an iteration begins at an id", testAllFrom},
		{"a cancelled context stops every method", testCancelled},
		{"what was flushed is there after reopening", testReopen},
		{"labels are kept", testLabels},
		{"a closed store says so", testClosed},
		{"close waits for those who read", testCloseWaits},
		{"searches see all of an upsert or nothing", testConcurrent},
		{"any sequence of calls matches a map", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "contract-" + newName()
			test.run(t, fixture{t: t, open: func(dim int) index.Store { return open(t, name, dim) }})
		})
	}
}

// Approximate runs the tests of recall on an engine that is set up to search
// approximately, whose other answers Contract could not judge.
func Approximate(t *testing.T, open Opener) {
	runTests(t, open, map[string]func(*testing.T, fixture){
		"an exact search is exact": testExact, "a search reaches its recall": testRecall,
	})
}

// Filtered runs the tests of filters on an engine that is set up to decide them in
// another way than the one of Contract.
func Filtered(t *testing.T, open Opener) {
	runTests(t, open, map[string]func(*testing.T, fixture){
		"a filter chooses by payload": testFilter, "a filter leaves min(K, matches) hits": testFilterCount,
		"any filter chooses what Match says": testFilterModel,
	})
}

func runTests(t *testing.T, open Opener, tests map[string]func(*testing.T, fixture)) {
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			name := "contract-" + newName()
			run(t, fixture{t: t, open: func(dim int) index.Store { return open(t, name, dim) }})
		})
	}
}

// newName makes a name that is not used twice.
func newName() string {
	letters := make([]byte, 12)
	for i := range letters {
		letters[i] = byte('a' + rand.IntN(26))
	}
	return string(letters)
}

// fixture opens one store, and checks what must not fail.
type fixture struct {
	t    *testing.T
	open func(dim int) index.Store
}

// fresh opens the store and closes it at the end of the test.
func (f fixture) fresh(dim int) index.Store {
	f.t.Helper()
	store := f.open(dim)
	f.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			f.t.Errorf("close: %v", err)
		}
	})
	return store
}

func (f fixture) upsert(store index.Store, items ...index.Item) {
	f.t.Helper()
	if err := store.Upsert(f.t.Context(), items); err != nil {
		f.t.Fatalf("upsert: %v", err)
	}
}

func (f fixture) get(store index.Store, ids ...index.ID) []index.Item {
	f.t.Helper()
	items, err := store.Get(f.t.Context(), ids)
	if err != nil {
		f.t.Fatalf("get: %v", err)
	}
	return items
}

func (f fixture) search(store index.Store, q index.Query) []index.Hit {
	f.t.Helper()
	hits, err := store.Search(f.t.Context(), q)
	if err != nil {
		f.t.Fatalf("search: %v", err)
	}
	return hits
}

func (f fixture) count(store index.Store) int {
	f.t.Helper()
	info, err := store.Info(f.t.Context())
	if err != nil {
		f.t.Fatalf("info: %v", err)
	}
	return info.Count
}

// wantIDs compares the ids of hits.
func (f fixture) wantIDs(hits []index.Hit, want ...index.ID) {
	f.t.Helper()
	var got []index.ID
	for _, h := range hits {
		got = append(got, h.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("ids of the hits (-want +got):\n%s", diff)
	}
}

// tolerance of a stored vector's elements and of a score: float32 rounding of
// a unit vector, and an inner product of a few hundred such elements.
const tolerance = 1e-5

var approx = cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a)-float64(b)) <= tolerance })

// sameFloat compares values of payloads, NaN being itself.
var sameFloat = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

// axis returns a vector of dimension dim along axis i.
func axis(dim, i int) []float32 {
	v := make([]float32, dim)
	v[i] = 1
	return v
}

func randomVector(rng *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}
