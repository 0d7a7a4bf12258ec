package verify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"engram/index"
	"engram/index/local"
	"engram/index/verify"
)

// leaky is a store whose searches miss the nearest item but one, unless they are exact.
type leaky struct {
	index.Store
	asked []index.Query // that were not exact
}

func (l *leaky) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if q.Exact {
		return l.Store.Search(ctx, q)
	}
	l.asked = append(l.asked, q)
	more := q
	more.K++
	hits, err := l.Store.Search(ctx, more)
	if err != nil || len(hits) < 2 {
		return hits, err
	}
	hits = slices.Delete(hits, 1, 2)
	return hits[:min(q.K, len(hits))], nil
}

// storeOf returns an index of vectors with the ids 10, 20 and so on.
func storeOf(t *testing.T, vectors ...[]float32) *local.Store {
	t.Helper()
	store, err := local.Create(t.TempDir(), local.Options{Dim: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var items []index.Item
	for i, v := range vectors {
		items = append(items, index.Item{ID: index.ID(10 * (i + 1)), Vector: v})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	return store
}

func measure(t *testing.T, store index.Store, opts verify.RecallOptions) *verify.Recall {
	t.Helper()
	r, err := verify.MeasureRecall(t.Context(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Usual) != len(r.Exact) || len(r.Shares) != len(r.Exact) || slices.Min(r.Usual) <= 0 || slices.Min(r.Exact) <= 0 {
		t.Errorf("%d shares, times %v and %v", len(r.Shares), r.Usual, r.Exact)
	}
	return r
}

func TestRecallIsOfTheOthers(t *testing.T) {
	store := open(t, newIndex(t))
	all := func(r *verify.Recall, share float64) bool {
		return !slices.ContainsFunc(r.Shares, func(s float64) bool { return s != share })
	}
	if r := measure(t, store, verify.RecallOptions{Queries: 50, K: 10}); len(r.Shares) != 50 || r.K != 10 || !all(r, 1) {
		t.Errorf("of searches that are exact: %+v", r)
	}
	missing := &leaky{Store: store}
	if r := measure(t, missing, verify.RecallOptions{Queries: 50, K: 10, Recall: .7}); r.K != 10 || !all(r, .9) {
		t.Errorf("of searches that miss the nearest other item: %+v", r)
	}
	for _, q := range missing.asked {
		if q.Recall != .7 || q.K != 11 {
			t.Fatalf("the store is asked for %d hits with the recall %v", q.K, q.Recall)
		}
	}
	if r := measure(t, missing, verify.RecallOptions{Queries: 1000, K: 1000}); len(r.Shares) != count || r.K != count-1 || !all(r, float64(count-2)/float64(count-1)) {
		t.Errorf("of more queries and hits than there are items: %d of %d hits, %v", len(r.Shares), r.K, r.Shares[0])
	}
	same := []float32{1, 2, 3}
	if r := measure(t, &leaky{Store: storeOf(t, same, same, same, same, same)}, verify.RecallOptions{Queries: 5, K: 2}); !all(r, 1) {
		t.Errorf("of items that are all as near: %v", r.Shares)
	}
}

// Each item is drawn as often as any other, and a seed draws the same ones again.
func TestRecallDrawsItsQueriesBySeed(t *testing.T) {
	store := storeOf(t, []float32{1, 0, 0}, []float32{0, 1, 0}, []float32{0, 0, 1}, []float32{1, 1, 0}, []float32{0, 1, 1})
	drawn := func(seed uint64) (found []string) {
		l := &leaky{Store: store}
		measure(t, l, verify.RecallOptions{Queries: 2, K: 1, Seed: seed})
		for _, q := range l.asked {
			found = append(found, fmt.Sprint(q.Vector))
		}
		return found
	}
	times := map[string]int{}
	for seed := range uint64(300) {
		first := drawn(seed)
		for _, q := range first {
			times[q]++
		}
		if again := drawn(seed); !slices.Equal(first, again) || first[0] == first[1] {
			t.Fatalf("seed %d draws %v, and again %v", seed, first, again)
		}
	}
	for q, n := range times { // of a mean of 120 and a standard deviation of 8.5
		if n < 80 || n > 160 {
			t.Errorf("%s is drawn %d times of 600", q, n)
		}
	}
	if len(times) != 5 {
		t.Errorf("drawn were %v", times)
	}
}

func TestRecallIsRefused(t *testing.T) {
	for _, store := range []index.Store{storeOf(t), storeOf(t, []float32{1, 0, 0})} {
		if _, err := verify.MeasureRecall(t.Context(), store, verify.RecallOptions{Queries: 3, K: 3}); !errors.Is(err, index.ErrQuery) {
			t.Errorf("of too few items: %v", err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.MeasureRecall(ended, open(t, newIndex(t)), verify.RecallOptions{Queries: 3, K: 3}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a request that has gone: %v", err)
	}
}
