package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"engram/index"
)

// RecallOptions say which searches MeasureRecall compares.
type RecallOptions struct {
	Queries int     // items that are searched with, every one where there are fewer
	K       int     // nearest others that are looked for, 1 or more
	Recall  float64 // that searches are asked for (see index.Query)
	Seed    uint64  // of the drawing of the items
}

// Recall is what MeasureRecall found, with an element for each query in its lists.
type Recall struct {
	K      int       // others that were looked for, fewer than asked for where there are fewer
	Shares []float64 // of the K nearest others that the search found, 0 to 1
	// Usual and Exact are the times of the search and of the exact one.
	Usual, Exact []time.Duration
}

// MeasureRecall searches with items of a store, drawn at random, for the other items
// nearest to each, as anybody does and once more exactly. An item as near as the K-th
// nearest, to Tolerance, counts as one of the nearest. A graph of items is easier to walk
// from one of them than for a query from outside, of which it finds less (see
// index.GraphLevel). All items are read to draw from them. An index without two items is
// refused (index.ErrQuery). What is written meanwhile may change the shares.
func MeasureRecall(ctx context.Context, store index.Store, opts RecallOptions) (*Recall, error) {
	drawn, items, err := draw(ctx, store, opts)
	if err != nil {
		return nil, err
	}
	r := &Recall{K: min(opts.K, items-1)}
	found := make([][]float32, len(drawn))
	for i, item := range drawn {
		start := time.Now()
		if found[i], err = others(ctx, store, item.ID, index.Query{Vector: item.Vector, K: opts.K + 1, Recall: opts.Recall}); err != nil {
			return nil, err
		}
		r.Usual = append(r.Usual, time.Since(start))
	}
	for i, item := range drawn {
		start := time.Now()
		exact, err := others(ctx, store, item.ID, index.Query{Vector: item.Vector, K: opts.K + 1, Exact: true})
		if err != nil {
			return nil, err
		}
		r.Exact = append(r.Exact, time.Since(start))
		if len(exact) > 0 {
			r.Shares = append(r.Shares, shareOf(found[i], exact))
		}
	}
	if len(r.Shares) == 0 {
		return nil, fmt.Errorf("the index has %d items, wanted 2 at least: an item is compared with the others: %w", items, index.ErrQuery)
	}
	return r, nil
}

// draw returns items drawn at random, each with the same probability (Vitter's algorithm
// R, 1985), and how many items there are.
func draw(ctx context.Context, store index.Store, opts RecallOptions) ([]index.Item, int, error) {
	v := &verification{Options: Options{Samples: opts.Queries}, rng: rand.New(rand.NewPCG(opts.Seed, 0))}
	for item, err := range store.All(ctx) {
		if err != nil {
			return nil, 0, err
		}
		v.keep(index.Item{ID: item.ID, Vector: item.Vector})
	}
	return v.sample, v.offered, nil
}

// others returns the scores of what a query of an item and one hit more finds beside the
// item, best first.
func others(ctx context.Context, store index.Store, id index.ID, q index.Query) ([]float32, error) {
	hits, err := store.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	hits = slices.DeleteFunc(hits, func(h index.Hit) bool { return h.ID == id })
	scores := make([]float32, min(len(hits), q.K-1))
	for i := range scores {
		scores[i] = hits[i].Score
	}
	return scores, nil
}

// shareOf returns the share of the exact hits that were found, by their scores.
func shareOf(found, exact []float32) float64 {
	last, right := exact[len(exact)-1], 0
	for _, score := range found {
		if score >= last-Tolerance {
			right++
		}
	}
	return float64(min(right, len(exact))) / float64(len(exact))
}
