package clip

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"engram/embed/model"
	"engram/embed/ort"
)

const (
	// defaultBatch is the most items of a run where the caller does not say.
	defaultBatch = 16
	// singleRuns is how many runs of one item go on at once where the caller does
	// not say: as many as package ort lets go on.
	singleRuns = 2
)

// batching says how items are shared out to the runs of a graph.
type batching struct {
	size     int  // the most items of a run
	fixed    bool // every run has size items, the last one filled up
	parallel int  // runs at once
}

// newBatching reads how many items a graph takes from the first axis of one of its
// inputs. A graph of int8 gets one item at a time: it measures the range of its
// activations in each run, so that items of one run would change each other's
// vectors.
func newBatching(m *model.Model, in ort.Spec, opts Options) batching {
	b := batching{size: opts.Batch, parallel: 1}
	if b.size <= 0 {
		b.size = defaultBatch
	}
	if m.Precision == "int8" {
		b.size = 1
	}
	if len(in.Shape) > 0 && in.Shape[0] > 0 {
		b.size, b.fixed = int(in.Shape[0]), true
	}
	if b.size == 1 {
		b.parallel = max(opts.Concurrency, singleRuns)
	}
	return b
}

// rows returns how many items a run has that is given n.
func (b batching) rows(n int) int {
	if b.fixed {
		return b.size
	}
	return n
}

// each calls run with parts of n items: from the item from on, without the item to.
// Calls may go on at the same time.
func (b batching) each(ctx context.Context, n int, run func(ctx context.Context, from, to int) error) error {
	if n <= b.size || b.parallel == 1 {
		for from := 0; from < n; from += b.size {
			if err := run(ctx, from, min(from+b.size, n)); err != nil {
				return err
			}
		}
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(b.parallel)
	for from := 0; from < n; from += b.size {
		group.Go(func() error { return run(ctx, from, min(from+b.size, n)) })
	}
	return group.Wait()
}

// notInManifest refuses an input that nothing would be given to.
func notInManifest(in ort.Spec, wanted string) error {
	return fmt.Errorf("input %s is not in the manifest, wanted %s alone: %w", in.Name, wanted, ort.ErrMismatch)
}
