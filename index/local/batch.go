package local

import (
	"context"
	"fmt"
	"runtime"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

var _ index.Batched = (*Store)(nil)

// SearchBatch implements index.Batched. Queries without a filter are answered
// exactly, in passes over all items that up to 512 of them share (see
// flat.Scan.Batch); the others one after the other.
func (s *Store) SearchBatch(ctx context.Context, queries []index.Query) ([][]index.Hit, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	found := make([][]index.Hit, len(queries))
	together := make([]int, 0, len(queries)) // the queries without a filter
	var vectors [][]float32
	for i, q := range queries {
		vector, err := s.checkQuery(q)
		if err != nil {
			return nil, fmt.Errorf("query %d of %d: %w", i+1, len(queries), err)
		}
		if q.Filter == nil {
			together, vectors = append(together, i), append(vectors, vector)
		}
	}
	for i, q := range queries {
		if q.Filter == nil {
			continue
		}
		if found[i], err = s.Search(ctx, q); err != nil {
			return nil, err
		}
	}
	most := 0
	for _, i := range together {
		most = max(most, min(queries[i].K, snap.count))
	}
	parts := make([]column.Part, len(snap.parts))
	for i, p := range snap.parts {
		parts[i] = column.Part{Rows: &p.segment.Rows, Dead: p.dead}
	}
	matches, err := flat.Scan{Threads: runtime.GOMAXPROCS(0)}.Batch(ctx, parts, vectors, most)
	if err != nil {
		return nil, err
	}
	for j, i := range together {
		if found[i], err = snap.hits(matches[j][:min(queries[i].K, len(matches[j]))], queries[i].WithPayload); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// checkQuery refuses what Search refuses, and returns the query's vector in unit
// length.
func (s *Store) checkQuery(q index.Query) ([]float32, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	return index.Unit(q.Vector, s.info.Dim)
}
