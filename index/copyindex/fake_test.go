package copyindex_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"engram/data/progress"
	"engram/data/space"
	"engram/index"
	"engram/index/local"
)

const dim = 6

func newLocal(t testing.TB, opts local.Options) *local.Store {
	t.Helper()
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// newFilled returns a store with n items, whose ids are not dense.
func newFilled(t testing.TB, n int) *local.Store {
	t.Helper()
	store := newLocal(t, local.Options{Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"}})
	put(t, store, randomItems(n)...)
	return store
}

func newTarget(t testing.TB) *local.Store {
	return newLocal(t, local.Options{Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"}})
}

func randomItems(n int) []index.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]index.Item, n)
	for i := range items {
		v := make([]float32, dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		items[i] = index.Item{ID: index.ID(i) * 7919, Vector: v, Payload: index.Payload{
			"path": string(rune('a' + i%26)), "n": int64(i), "words": []string{"x", "y"}, "score": float64(i) / 3,
		}}
		if i%10 == 3 {
			items[i].Payload = nil
		}
	}
	return items
}

func put(t testing.TB, store index.Store, items ...index.Item) {
	t.Helper()
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func all(t testing.TB, store index.Store) []index.Item {
	t.Helper()
	var items []index.Item
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

// engine is a store with faults and habits that the embedded one does not have.
type engine struct {
	index.Store
	change func(item *index.Item) (keep bool) // what Upsert does to an item
	read   func(item *index.Item)             // what All does to an item
	paged  bool                               // All is of no one moment: it looks anew after every 3 items
	failAt int64                              // number of the Upsert that fails, from 1
	pause  time.Duration                      // of an Upsert
	idle   bool                               // Flush does nothing
	refuse map[index.ID]bool                  // what Upsert does not take
	more   int                                // items that Info counts and All does not yield
	keeps  bool                               // Delete says that it has deleted, and deletes nothing

	upserts, running, most, largest atomic.Int64
}

func (e *engine) Upsert(ctx context.Context, items []index.Item) error {
	if n := e.running.Add(1); n > e.most.Load() {
		e.most.Store(n)
	}
	defer e.running.Add(-1)
	if n := int64(len(items)); n > e.largest.Load() {
		e.largest.Store(n)
	}
	time.Sleep(e.pause)
	if e.upserts.Add(1) == e.failAt {
		return errBroken
	}
	for _, item := range items {
		if e.refuse[item.ID] {
			return fmt.Errorf("item %d: %w", item.ID, index.ErrPayload)
		}
	}
	if e.change != nil {
		items = e.changed(items)
	}
	return e.Store.Upsert(ctx, items)
}

func (e *engine) Delete(ctx context.Context, ids []index.ID) (int, error) {
	if e.keeps {
		return len(ids), nil
	}
	return e.Store.Delete(ctx, ids)
}

func (e *engine) Info(ctx context.Context) (index.Info, error) {
	info, err := e.Store.Info(ctx)
	info.Count += e.more
	return info, err
}

func (e *engine) Flush(ctx context.Context) error {
	if e.idle {
		return nil
	}
	return e.Store.Flush(ctx)
}

func (e *engine) changed(items []index.Item) (kept []index.Item) {
	for _, item := range items {
		if e.change(&item) {
			kept = append(kept, item)
		}
	}
	return kept
}

func (e *engine) All(ctx context.Context) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		next, pages := index.ID(0), e.paged
		for {
			n := 0
			for item, err := range e.Store.All(ctx) {
				if err == nil && item.ID < next {
					continue
				}
				if err == nil && e.read != nil {
					e.read(&item)
				}
				if !yield(item, err) || err != nil {
					return
				}
				next = item.ID + 1
				if n++; pages && n == 3 {
					break
				}
			}
			if !pages || n < 3 {
				return
			}
		}
	}
}

// bulkEngine is an engine that wants to know when many items are coming.
type bulkEngine struct {
	engine
	calls []string
}

func (e *bulkEngine) BeginBulk(context.Context) error {
	e.calls = append(e.calls, "begin")
	return nil
}

func (e *bulkEngine) EndBulk(_ context.Context, watch progress.Func) error {
	e.calls = append(e.calls, "end")
	watch.Report(progress.Report{Stage: index.Indexing, Unit: "items", Done: 7, Total: 7})
	return nil
}
