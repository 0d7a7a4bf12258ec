package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/local"
)

// The states of an index that RunChurn measures.
const (
	stateBuilt     = "built"
	stateDeleted   = "half deleted"
	stateAdded     = "added again" // the deleted vectors, under other ids
	stateOptimised = "optimised"
)

// RunChurn builds an index as Run does, deletes half of its items, adds their vectors again
// under other ids, and optimises the index. It searches after each step, once the engine has
// done what it does in the background. Stages: "building" in items, "searching" in points.
func RunChurn(ctx context.Context, spec Spec, watch progress.Func) (_ *Report, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("bench: %w", err)
		}
	}()
	if err := spec.check(); err != nil {
		return nil, err
	}
	if spec.Index != "" || spec.Truth != "" {
		return nil, errors.New("items are deleted and added in an index of --vectors or --hard, whose nearest items change with it")
	}
	dir, err := os.MkdirTemp(spec.Dir, "engram-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &Report{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Kernels: local.Kernels()}
	name := filepath.Join(dir, "index")
	generated, err := r.build(ctx, spec, name, watch)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	store, err := local.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r.OpenMS = time.Since(start).Seconds() * 1e3
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	r.Engine, r.Items, r.Dim = info.Engine, info.Count, info.Dim
	sets, err := querySets(ctx, spec, store, generated)
	if err != nil {
		return nil, err
	}
	c := &churn{store: store, deleted: half(info.Count, spec.Seed), rest: rest}
	return r, r.churn(ctx, spec, c, sets, watch)
}

// churn searches the index in each of its states, from one to the next.
func (r *Report) churn(ctx context.Context, spec Spec, c *churn, sets []querySet, watch progress.Func) error {
	steps := []struct {
		state  string
		change func(context.Context) error
	}{{stateBuilt, c.wait}, {stateDeleted, c.remove}, {stateAdded, c.add}, {stateOptimised, c.optimise}}
	count := r.counter(watch, spec, sets, len(steps))
	for _, step := range steps {
		if err := step.change(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.state, err)
		}
		measured := len(r.Points)
		for i := range sets {
			sets[i].truth = nil
		}
		if err := r.search(ctx, spec, c.store, sets, count); err != nil {
			return fmt.Errorf("%s: %w", step.state, err)
		}
		for i := measured; i < len(r.Points); i++ {
			r.Points[i].State = step.state
		}
	}
	return nil
}

// churn is an index whose items are deleted and added.
type churn struct {
	store   *local.Store
	deleted []index.ID
	vectors [][]float32 // of deleted
	// rest is how long the engine does nothing before it counts as done.
	rest time.Duration
}

// half returns half of the ids from 0 to n-1.
func half(n int, seed uint64) []index.ID {
	ids := make([]index.ID, 0, n/2)
	for _, i := range rand.New(rand.NewPCG(seed, 5)).Perm(n)[:n/2] {
		ids = append(ids, index.ID(i))
	}
	return ids
}

// remove deletes items and remembers their vectors.
func (c *churn) remove(ctx context.Context) error {
	for lo := 0; lo < len(c.deleted); lo += batchRows {
		ids := c.deleted[lo:min(lo+batchRows, len(c.deleted))]
		items, err := c.store.Get(ctx, ids)
		if err != nil {
			return err
		}
		for _, item := range items {
			c.vectors = append(c.vectors, item.Vector)
		}
		if _, err := c.store.Delete(ctx, ids); err != nil {
			return err
		}
	}
	return c.wait(ctx)
}

// add adds the vectors again, under ids that were not used.
func (c *churn) add(ctx context.Context) error {
	next := index.ID(4 * len(c.vectors))
	for lo := 0; lo < len(c.vectors); lo += batchRows {
		var items []index.Item
		for i, v := range c.vectors[lo:min(lo+batchRows, len(c.vectors))] {
			items = append(items, index.Item{ID: next + index.ID(lo+i), Vector: v})
		}
		if err := c.store.Upsert(ctx, items); err != nil {
			return err
		}
	}
	return c.wait(ctx)
}

func (c *churn) optimise(ctx context.Context) error { return c.store.Optimise(ctx, nil) }

// rest is longer than the 3 s after the last flush when the engine begins a graph.
const rest = 5 * time.Second

// wait flushes and waits until the engine does nothing in the background.
func (c *churn) wait(ctx context.Context) error {
	if err := c.store.Flush(ctx); err != nil {
		return err
	}
	for since := time.Now(); ; {
		info, err := c.store.Info(ctx)
		if err != nil {
			return err
		}
		if b := info.Background; b.Begun != b.Finished+b.Failed {
			since = time.Now()
		} else if time.Since(since) > c.rest {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
