package local

import (
	"context"

	"engram/index"
	"engram/index/internal/bitmap"
)

var _ index.ValueCounter = (*Store)(nil)

// CountValues implements index.ValueCounter. An index of the payload key has the counts;
// of rows without one the payloads are read.
func (s *Store) CountValues(ctx context.Context, key string) ([]index.ValueCount, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	counts := index.ValueCounts{}
	for _, p := range snap.parts {
		if err := p.countValues(ctx, key, counts); err != nil {
			return nil, err
		}
	}
	return counts.Sorted(), nil
}

// countValues adds the values of the part's live rows.
func (p part) countValues(ctx context.Context, key string, counts index.ValueCounts) error {
	if x := p.segment.index(bitmap.Field{Key: key, Kind: bitmap.Values}); x != nil && !p.inMemory() {
		dead := p.dead.Has
		if p.live == len(p.segment.IDs) {
			dead = nil
		}
		return x.CountValues(counts, dead)
	}
	for row := range p.segment.IDs {
		if row%(1<<12) == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if p.dead.Has(row) {
			continue
		}
		payload, err := p.segment.Payload(row)
		if err != nil {
			return err
		}
		counts.Add(payload[key])
	}
	return nil
}
