package indextest

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

func testAll(t *testing.T, f fixture) {
	store := f.fresh(2)
	for _, id := range []index.ID{9, 2, 7, 4} {
		f.upsert(store, index.Item{ID: id, Vector: axis(2, 0), Payload: index.Payload{"id": int64(id)}})
	}
	all := store.All(t.Context())
	for range 2 { // a sequence can be used again
		var got []index.ID
		for item, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			if item.Payload["id"] != int64(item.ID) {
				t.Errorf("item %d has payload %v", item.ID, item.Payload)
			}
			got = append(got, item.ID)
			f.upsert(store, index.Item{ID: 8, Vector: axis(2, 1), Payload: index.Payload{"id": int64(8)}})
			if _, err := store.Delete(t.Context(), []index.ID{9}); err != nil {
				t.Fatal(err)
			}
			if len(got) == 4 {
				break
			}
		}
		if want := []index.ID{2, 4, 7, 9}; cmp.Diff(want, got) != "" {
			t.Errorf("all yields %v, want %v: later changes do not show", got, want)
		}
		f.upsert(store, index.Item{ID: 9, Vector: axis(2, 0), Payload: index.Payload{"id": int64(9)}})
		if _, err := store.Delete(t.Context(), []index.ID{8}); err != nil {
			t.Fatal(err)
		}
	}
}

// testAllFrom begins at ids of items on disk, in memory, between them and deleted.
func testAllFrom(t *testing.T, f fixture) {
	store := f.fresh(2)
	for _, id := range []index.ID{9, 2, 7, math.MaxUint64} {
		f.upsert(store, index.Item{ID: id, Vector: axis(2, 0)})
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.upsert(store, index.Item{ID: 4, Vector: axis(2, 1)}, index.Item{ID: 9, Vector: axis(2, 1)})
	if _, err := store.Delete(t.Context(), []index.ID{7}); err != nil {
		t.Fatal(err)
	}
	ids := []index.ID{2, 4, 9, math.MaxUint64}
	for _, from := range []index.ID{0, 2, 3, 4, 5, 7, 9, 10, math.MaxUint64} {
		var got []index.ID
		for item, err := range index.AllFrom(t.Context(), store, from) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item.ID)
		}
		want := ids[slices.IndexFunc(ids, func(id index.ID) bool { return id >= from }):]
		if !slices.Equal(got, want) {
			t.Errorf("from %d: %v, want %v", from, got, want)
		}
	}
}

func testCancelled(t *testing.T, f fixture) {
	store := f.fresh(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range callEverything(ctx, store) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	if n := f.count(store); n != 1 {
		t.Errorf("cancelled calls changed the store: %d items", n)
	}
}

// callEverything calls each method but Close and returns the errors.
func callEverything(ctx context.Context, store index.Store) map[string]error {
	errs := map[string]error{}
	_, errs["info"] = store.Info(ctx)
	errs["upsert"] = store.Upsert(ctx, []index.Item{{ID: 2, Vector: axis(2, 1)}})
	if setter, ok := store.(index.PayloadSetter); ok {
		_, errs["set payloads"] = setter.SetPayloads(ctx, map[index.ID]index.Payload{1: nil})
	}
	_, errs["delete"] = store.Delete(ctx, []index.ID{1})
	_, errs["get"] = store.Get(ctx, []index.ID{1})
	_, errs["labels"] = store.Labels(ctx)
	errs["set label"] = store.SetLabel(ctx, "a", "b")
	_, errs["search"] = store.Search(ctx, index.Query{Vector: axis(2, 0), K: 1})
	errs["all"] = nil
	for _, err := range store.All(ctx) {
		errs["all"] = err
	}
	errs["flush"] = store.Flush(ctx)
	return errs
}

func testReopen(t *testing.T, f fixture) {
	store := f.open(3)
	keep := index.Item{ID: 1, Vector: axis(3, 0), Payload: payload}
	f.upsert(store, keep, index.Item{ID: 2, Vector: axis(3, 1)}, index.Item{ID: 3, Vector: axis(3, 2)})
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Delete(t.Context(), []index.ID{2}); err != nil {
		t.Fatal(err)
	}
	f.upsert(store, index.Item{ID: 3, Vector: axis(3, 1)})
	if err := store.Close(); err != nil { // flushes
		t.Fatal(err)
	}
	store = f.fresh(3)
	want := []index.Item{keep, {ID: 3, Vector: axis(3, 1)}}
	if diff := cmp.Diff(want, f.get(store, 1, 2, 3)); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	f.wantIDs(f.search(store, index.Query{Vector: axis(3, 1), K: 5}), 3, 1)
	if n := f.count(store); n != 2 {
		t.Errorf("count %d, want 2", n)
	}
}

func testClosed(t *testing.T, f fixture) {
	store := f.open(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0)})
	for range 2 {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for name, err := range callEverything(t.Context(), store) {
		if !errors.Is(err, index.ErrClosed) {
			t.Errorf("%s: error %v, want ErrClosed", name, err)
		}
	}
}

// testCloseWaits closes the store in the middle of an iteration.
func testCloseWaits(t *testing.T, f fixture) {
	store := f.open(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0)}, index.Item{ID: 2, Vector: axis(2, 1)})
	closed := make(chan error, 1)
	n := 0
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; item.ID != index.ID(n) || item.Vector[n-1] != 1 {
			t.Errorf("item %d is %v", n, item)
		}
		if n > 1 {
			break
		}
		go func() { closed <- store.Close() }()
		for !errors.Is(store.Flush(t.Context()), index.ErrClosed) {
			time.Sleep(time.Millisecond)
		}
		select {
		case err := <-closed:
			t.Fatalf("close returned during an iteration, error %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := <-closed; err != nil || n != 2 {
		t.Errorf("close gives %v, the iteration had %d items; want 2", err, n)
	}
}

// testConcurrent writes generations of items: every snapshot holds items of
// one generation only, and always the same number of them.
func testConcurrent(t *testing.T, f fixture) {
	const items, generations = 20, 60
	store := f.fresh(items)
	write := func(generation int) {
		batch := make([]index.Item, items)
		for i := range batch {
			batch[i] = index.Item{ID: index.ID(i), Vector: axis(items, i), Payload: index.Payload{"g": int64(generation)}}
		}
		if err := store.Upsert(t.Context(), batch); err != nil {
			t.Error(err)
		}
	}
	write(0)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for g := 1; g <= generations; g++ {
			write(g)
			if g%10 == 0 {
				if err := store.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for last := int64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				last = checkGeneration(t, store, items, last)
			}
		})
	}
	wg.Wait()
	if got := f.get(store, 3)[0].Payload["g"]; got != int64(generations) {
		t.Errorf("generation %v at the end, want %d", got, generations)
	}
}

// checkGeneration searches and iterates once and returns the generation seen.
func checkGeneration(t *testing.T, store index.Store, items int, last int64) int64 {
	hits, err := store.Search(t.Context(), index.Query{Vector: axis(items, 0), K: items + 1, WithPayload: true})
	if err != nil || len(hits) != items {
		t.Errorf("%d hits, error %v; want %d", len(hits), err, items)
		return last
	}
	seen := hits[0].Payload["g"].(int64)
	for _, h := range hits {
		if h.Payload["g"] != seen || seen < last {
			t.Errorf("generations %v and %v in one search, %d before", seen, h.Payload["g"], last)
		}
	}
	n := 0
	for item, err := range store.All(t.Context()) {
		if err != nil || item.ID != index.ID(n) || item.Payload["g"].(int64) < seen {
			t.Errorf("item %d of all: id %d, generation %v, error %v; want generation %d or later",
				n, item.ID, item.Payload["g"], err, seen)
		}
		n++
	}
	if n != items {
		t.Errorf("all yields %d items, want %d", n, items)
	}
	return seen
}
