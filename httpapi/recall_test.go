package httpapi

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"engram/embed/eval"
	"engram/httpapi/internal/problem"
	"engram/index"
	"engram/index/local"
)

// leakyStore is a store whose searches by some vectors miss the nearest item but one,
// unless they are exact.
type leakyStore struct {
	*memStore
	misses func(vector []float32) bool
	recall float64 // that the last search was asked for
	search func(context.Context) error
}

func (l *leakyStore) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if err := l.search(ctx); err != nil {
		return nil, err
	}
	hits, err := l.memStore.Search(ctx, q)
	if err != nil || q.Exact {
		return hits, err
	}
	if l.recall = q.Recall; l.misses(q.Vector) {
		hits = slices.Delete(hits, 1, 2)
	}
	return hits, nil
}

const recallRoute = "/v1/collections/colours/recall"

func measured(t *testing.T, s *Server, body string) measuredView {
	t.Helper()
	return decodeBody[measuredView](t, call(t, s, here("POST", recallRoute, body)), http.StatusOK)
}

// The recall that is measured is the mean share of the others that searches find, with
// its interval.
func TestRecallIsMeasured(t *testing.T) {
	opts := fakeOptions(t)
	store := &leakyStore{memStore: opts.Store.(*memStore), misses: func([]float32) bool { return false }}
	opts.Store = store
	s := newServer(t, opts)
	store.search = func(context.Context) error {
		if running, _ := s.queue.Length(); running != 1 {
			t.Errorf("%d requests have a turn while one measures", running)
		}
		return nil
	}
	certain := eval.Wilson(1, 5)
	for _, body := range []string{"", "{}", `{"queries":1000,"k":1000}`} {
		got := measured(t, s, body)
		if got.Queries != 5 || got.K != 4 || got.Recall != 1 || got.Low != certain.Low || got.High != 1 {
			t.Errorf("%s: %+v, wanted 5 queries that find all 4 others, from %v on", body, got, certain.Low)
		}
	}
	store.misses = func(v []float32) bool { return v[2] > .5 } // blue alone
	got := measured(t, s, `{"recall":0.8,"seed":3}`)
	want := eval.Bootstrap([]float64{1, 1, 1, .75, 1}, 3)
	if math.Abs(got.Recall-.95) > 1e-9 || got.Low >= got.Recall || got.High < got.Recall || math.Abs(got.High-want.High) > 1e-9 || store.recall != .8 {
		t.Errorf("where blue misses one of four: %+v, the store was asked for a recall of %v", got, store.recall)
	}
	if got := measured(t, s, `{"queries":3,"k":1}`); got.Queries != 3 || got.K != 1 {
		t.Errorf("3 queries for 1 hit: %+v", got)
	}
}

func TestRecallIsRefused(t *testing.T) {
	opts := fakeOptions(t)
	store := &leakyStore{memStore: opts.Store.(*memStore), misses: func([]float32) bool { return false }}
	store.search = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	opts.Store, opts.SearchTimeout = store, 30*time.Millisecond
	s := newServer(t, opts)
	for body, want := range map[string]string{
		`{"queries":0}`: "queries is 0, wanted a whole number from 1 to 1000", `{"queries":1001}`: "queries is 1001, ",
		`{"queries":"ten"}`: `queries is "ten", wanted`, `{"k":0}`: "k is 0, wanted a whole number from 1 to 1000",
		`{"k":1.5}`: "k is 1.5, ", `{"seed":-1}`: "seed is -1, wanted a whole number from 0 to 2147483647",
		`{"recall":1.5}`: "a recall of 1.5, ", `{"recall":"high"}`: "recall is a string, wanted a number",
		`{"n":1}`: `"n"`, `[]`: "JSON", `{"k":1,"k":2}`: "k",
	} {
		w := call(t, s, here("POST", recallRoute, body))
		if p := decodeBody[problem.Details](t, w, http.StatusBadRequest); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %q, wanted %q", body, p.Detail, want)
		}
	}
	w := call(t, s, here("POST", recallRoute, `{"queries":4}`))
	if p := decodeBody[problem.Details](t, w, http.StatusServiceUnavailable); !strings.HasSuffix(p.Type, "timeout") || !strings.Contains(p.Detail, "4 searches, each compared with an exact one, take longer than the 30ms of a request here; ask for fewer queries") {
		t.Errorf("where it takes too long: %+v", p)
	}
	r := here("POST", recallRoute, "queries=3")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	decodeBody[problem.Details](t, call(t, s, r), http.StatusUnsupportedMediaType)
	clear(store.items)
	w = call(t, s, here("POST", recallRoute, ""))
	if p := decodeBody[problem.Details](t, w, http.StatusBadRequest); !strings.Contains(p.Detail, "the index has 0 items, wanted 2 at least") {
		t.Errorf("of no items: %+v", p)
	}
	decodeBody[problem.Details](t, call(t, s, here("POST", "/v1/collections/none/recall", "")), http.StatusNotFound)
	away := here("POST", recallRoute, "")
	away.RemoteAddr = "192.0.2.1:5000"
	decodeBody[problem.Details](t, call(t, s, away), http.StatusForbidden)
}

// Of an index with a graph the recall that is measured is at least the one that is asked
// for, and below 1 where a little is asked for.
func TestRecallOfAGraph(t *testing.T) {
	opts := fakeOptions(t)
	const dim, items = 16, 20_000 // as many as get a graph
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: dim, Space: opts.Encoder.Space})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	rng, list := rand.New(rand.NewPCG(1, 2)), make([]index.Item, items)
	for i := range list {
		list[i] = index.Item{ID: index.ID(i), Vector: make([]float32, dim)}
		for j := range list[i].Vector {
			list[i].Vector[j] = float32(rng.NormFloat64())
		}
	}
	if err := store.Upsert(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := store.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	opts.Store = store
	s := newServer(t, opts)
	if r := decodeBody[recallView](t, get(t, s, recallRoute), 200); len(r.Graphs) != 1 || r.Exact != 0 {
		t.Fatalf("the index has no graph of all items: %+v", r)
	} else {
		t.Logf("levels of the graph: %+v", r.Graphs[0].Levels)
	}
	for body, bounds := range map[string][2]float64{
		`{"queries":300,"recall":0.7}`: {.8, .99}, `{"queries":300,"recall":0.9}`: {.95, .999}, `{"queries":300}`: {.98, 1}, `{"queries":300,"recall":1}`: {1, 1},
	} {
		got := measured(t, s, body)
		if got.Queries != 300 || got.K != 10 || got.Recall < bounds[0] || got.Recall > bounds[1] || got.Low > got.Recall || got.High < got.Recall {
			t.Errorf("%s: %+v, wanted a recall from %v to %v", body, got, bounds[0], bounds[1])
		}
		if got.SearchMS.Usual <= 0 || got.SearchMS.Exact <= 0 {
			t.Errorf("%s: searches took %+v", body, got.SearchMS)
		}
		t.Logf("%s: %+v", body, got)
	}
}
