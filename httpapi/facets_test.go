package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"engram/httpapi/internal/problem"
	"engram/index"

	"github.com/google/go-cmp/cmp"
)

func TestFacetsHaveCounts(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	for id := range colours {
		store.mark(id, "shape", []string{"flat", "small"})
		store.mark(id, "warm", id == red || id == pink)
		store.mark(id, "serial", "only "+colourNames[id])
		store.mark(id, "notes", strings.Repeat("long ", 20))
	}
	got := decodeBody[facetsView](t, get(t, newServer(t, opts), "/v1/facets"), http.StatusOK)
	want := facetsView{Items: 5, Facets: []facetView{
		{Key: "shape", Values: []valueCountView{{"flat", 5}, {"small", 5}}},
		{Key: "warm", Values: []valueCountView{{false, 3}, {true, 2}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	opts.Store = countsBut{store, "shape"}
	got = decodeBody[facetsView](t, get(t, newServer(t, opts), "/v1/facets"), http.StatusOK)
	want.Facets = want.Facets[1:]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("without a key that the store does not count (-want +got)\n%s", diff)
	}
}

// countsBut is a store that does not count the values of a key.
type countsBut struct {
	*memStore
	key string
}

func (s countsBut) CountValues(ctx context.Context, key string) ([]index.ValueCount, error) {
	if key == s.key {
		return nil, errors.ErrUnsupported
	}
	return s.memStore.CountValues(ctx, key)
}

// slowCounts is a store that counts once finish is closed.
type slowCounts struct {
	*memStore
	counting, finish chan struct{}
}

func (s *slowCounts) CountValues(ctx context.Context, key string) ([]index.ValueCount, error) {
	s.counting <- struct{}{}
	select {
	case <-s.finish:
		return s.memStore.CountValues(ctx, key)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A request for facets waits for another one that counts no longer than its own time, and
// counts itself where the other one gives up.
func TestFacetsWaitNoLongerThanTheirOwnTime(t *testing.T) {
	opts := fakeOptions(t)
	opts.SearchTimeout = 10 * time.Second // after which a test that fails ends
	store := &slowCounts{memStore: opts.Store.(*memStore), counting: make(chan struct{}, 10), finish: make(chan struct{})}
	for id := range colours {
		store.mark(id, "shape", "flat")
	}
	store.mark(red, "shape", "round")
	store.mark(pink, "shape", "round")
	opts.Store = store
	handler := checked(t, newServer(t, opts))
	facets := func(ctx context.Context) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/facets", nil))
		return w
	}
	first, second := make(chan int, 1), make(chan int, 1)
	leaving, leave := context.WithCancel(t.Context())
	defer leave()
	go func() { first <- facets(leaving).Code }()
	<-store.counting
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if p := decodeBody[problem.Details](t, facets(short), http.StatusServiceUnavailable); !strings.HasSuffix(p.Type, "timeout") {
		t.Errorf("behind one that counts: %+v", p)
	}
	select {
	case status := <-first:
		t.Fatalf("the one that counts ended meanwhile: status %d", status)
	default:
	}
	go func() { second <- facets(t.Context()).Code }()
	leave()
	if status := <-first; status != 499 {
		t.Errorf("the one that left: status %d", status)
	}
	<-store.counting // the second one
	close(store.finish)
	if status := <-second; status != http.StatusOK {
		t.Errorf("the next one: status %d", status)
	}
	if got := decodeBody[facetsView](t, facets(t.Context()), http.StatusOK); len(got.Facets) != 1 || len(store.counting) != 0 {
		t.Errorf("a later one gets %+v after %d more counts", got, len(store.counting))
	}
}
