package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"engram/index"
	"engram/index/local"
)

const (
	nearest   = 10  // hits of a query
	batchRows = 500 // items of one Upsert
)

// scan measures an exact search on all cores, over float32 vectors and over
// their codes.
func (b *bench) scan(ctx context.Context) error {
	for _, set := range []struct {
		name  string
		rows  *local.Matrix
		bytes int // of an element
	}{{"exact search, float32", b.vectors.rows.WithoutCodes(), 4}, {"exact search, int8", b.vectors.rows, 1}} {
		amount := len(b.vectors.queries) * b.Rows * b.Dim * set.bytes
		rate, err := b.measure(ctx, set.name, "bytes", float64(amount), func(ctx context.Context) error {
			for _, q := range b.vectors.queries {
				if _, err := set.rows.Search(ctx, q, nearest); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.report.Rates.Scan = rate // the last one is the rate of the codes
	}
	return nil
}

// embedded measures how fast the embedded engine takes vectors in, until they
// are durable, builds a graph of them where they are many, and searches them.
func (b *bench) embedded(ctx context.Context) (err error) {
	run := 0
	var store *local.Store
	defer func() {
		if store != nil {
			if e := store.Close(); err == nil {
				err = e
			}
		}
	}()
	rate, err := b.measure(ctx, "import, embedded", "rows", float64(b.Rows), func(ctx context.Context) error {
		if store != nil {
			if err := store.Close(); err != nil {
				return err
			}
		}
		run++
		var err error
		if store, err = local.Create(filepath.Join(b.dir, fmt.Sprint("index-", run)), local.Options{Dim: b.Dim}); err != nil {
			return err
		}
		if err := store.BeginBulk(ctx); err != nil { // as a build does
			return err
		}
		return b.fill(ctx, store)
	})
	if err != nil {
		return err
	}
	if _, err := b.once(ctx, "end of the import with the graph, embedded", "rows", float64(b.Rows), func(ctx context.Context) error {
		return store.EndBulk(ctx, nil)
	}); err != nil {
		return err
	}
	b.report.Rates.Import = rate * 4 * float64(b.Dim)
	_, err = b.search(ctx, store, "embedded")
	return err
}

// search measures queries one at a time, of all items and of a hundredth of
// them by their payload. It returns the rate of the former.
func (b *bench) search(ctx context.Context, store index.Store, where string) (float64, error) {
	ask := func(filter index.Filter) step {
		return func(ctx context.Context) error {
			for _, q := range b.vectors.queries {
				hits, err := store.Search(ctx, index.Query{Vector: q, K: nearest, Filter: filter, WithPayload: true})
				if err == nil {
					err = checkHits(hits, filter)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	queries := float64(len(b.vectors.queries))
	rate, err := b.measure(ctx, "search, "+where, "queries", queries, ask(nil))
	if err != nil {
		return 0, err
	}
	_, err = b.measure(ctx, "search with a filter, "+where, "queries", queries, ask(index.Equal{Key: "class", Value: int64(chosen)}))
	return rate, err
}

// checkHits wants hits, and no other than the filter chooses.
func checkHits(hits []index.Hit, filter index.Filter) error {
	if len(hits) == 0 {
		return errors.New("nothing was found")
	}
	for _, h := range hits {
		if filter != nil && !filter.Match(h.Payload) {
			return fmt.Errorf("item %d was found, which the filter does not choose", h.ID)
		}
	}
	return nil
}
