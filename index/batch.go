package index

import "context"

// Batched is a Store that answers many queries faster together than one after the
// other.
type Batched interface {
	Store

	// SearchBatch answers queries[i] with element i of the result, as Search does. A
	// query that Search refuses refuses the whole call.
	SearchBatch(ctx context.Context, queries []Query) ([][]Hit, error)
}

// SearchBatch answers many queries on any store (see Batched).
func SearchBatch(ctx context.Context, s Store, queries []Query) ([][]Hit, error) {
	if b, ok := s.(Batched); ok {
		return b.SearchBatch(ctx, queries)
	}
	found := make([][]Hit, len(queries))
	for i, q := range queries {
		var err error
		if found[i], err = s.Search(ctx, q); err != nil {
			return nil, err
		}
	}
	return found, nil
}
