package local

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

var _ index.Batched = (*Store)(nil)

// SearchBatch implements index.Batched. Exact queries without a filter, and the others
// without one where there is no graph, are answered in passes over all items that up to
// 512 of them share (see flat.Scan.Batch); the rest by one Search each, on as many
// goroutines as the program may run.
func (s *Store) SearchBatch(ctx context.Context, queries []index.Query) ([][]index.Hit, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	found := make([][]index.Hit, len(queries))
	walked := slices.ContainsFunc(snap.parts, func(p part) bool { return p.segment.Graph() != nil })
	var together, others []int
	var vectors [][]float32 // of the queries that are answered together
	for i, q := range queries {
		vector, err := s.checkQuery(q)
		switch {
		case err != nil:
			return nil, fmt.Errorf("query %d of %d: %w", i+1, len(queries), err)
		case q.Filter == nil && (q.Exact || !walked):
			together, vectors = append(together, i), append(vectors, vector)
		default:
			others = append(others, i)
		}
	}
	if err := s.searchEach(ctx, queries, others, found); err != nil {
		return nil, err
	}
	matches, err := snap.scanTogether(ctx, queries, together, vectors)
	if err != nil {
		return nil, err
	}
	for j, i := range together {
		if found[i], err = snap.hits(matches[j][:min(queries[i].K, len(matches[j]))], queries[i]); err != nil {
			return nil, err
		}
		if q := queries[i]; q.Explain != nil {
			*q.Explain = snap.explainScan()
		}
	}
	return found, nil
}

// searchEach answers some of the queries by a Search each.
func (s *Store) searchEach(ctx context.Context, queries []index.Query, some []int, found [][]index.Hit) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, i := range some {
		group.Go(func() (err error) {
			found[i], err = s.Search(ctx, queries[i])
			return err
		})
	}
	return group.Wait()
}

// scanTogether returns the matches of some of the queries, for the largest K among them.
func (s *snapshot) scanTogether(ctx context.Context, queries []index.Query, some []int, vectors [][]float32) ([][]column.Match, error) {
	most := 0
	for _, i := range some {
		most = max(most, min(queries[i].K, s.count))
	}
	parts := make([]column.Part, len(s.parts))
	for i, p := range s.parts {
		parts[i] = column.Part{Rows: &p.segment.Rows, Dead: p.dead}
	}
	return flat.Scan{Threads: runtime.GOMAXPROCS(0)}.Batch(ctx, parts, vectors, most)
}

// checkQuery refuses what Search refuses, and returns the query's vector in unit
// length.
func (s *Store) checkQuery(q index.Query) ([]float32, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	return index.Unit(q.Vector, s.info.Dim)
}
