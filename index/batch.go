package index

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Batched is a Store that answers many queries faster together than one after the
// other.
type Batched interface {
	Store

	// SearchBatch answers queries[i] with element i of the result, as Search does. A
	// query that Search refuses refuses the whole call.
	SearchBatch(ctx context.Context, queries []Query) ([][]Hit, error)
}

// searchesAtOnce is how many queries of a batch wait for a store that is not Batched,
// such as one on a server, at the same time.
const searchesAtOnce = 8

// SearchBatch answers many queries on any store (see Batched).
func SearchBatch(ctx context.Context, s Store, queries []Query) ([][]Hit, error) {
	if b, ok := s.(Batched); ok {
		return b.SearchBatch(ctx, queries)
	}
	found := make([][]Hit, len(queries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(searchesAtOnce)
	for i, q := range queries {
		group.Go(func() (err error) {
			found[i], err = s.Search(ctx, q)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}
