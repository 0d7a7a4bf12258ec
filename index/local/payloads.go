package local

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"engram/index"
	"engram/index/internal/disk"
)

var _ index.PayloadSetter = (*Store)(nil)

// SetPayloads implements index.PayloadSetter.
func (s *Store) SetPayloads(ctx context.Context, payloads map[index.ID]index.Payload) (int, error) {
	set := 0
	change, err := s.settingPayloads(payloads, &set)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, disk.Record{Payloads: payloads}, change)
	return set, err
}

// settingPayloads returns the change that replaces payloads of items that are there, and
// counts them. Their rows are written anew, after they were compared with their
// checksums.
func (s *Store) settingPayloads(payloads map[index.ID]index.Payload, set *int) (change, error) {
	for id, payload := range payloads {
		if err := payload.Check(); err != nil {
			return nil, fmt.Errorf("item %d: %w", id, err)
		}
	}
	ids := slices.Sorted(maps.Keys(payloads))
	return func(snap *snapshot) ([]part, error) {
		items, err := snap.items(ids)
		*set = len(items)
		if err != nil || len(items) == 0 {
			return nil, err
		}
		b := disk.NewBuilder(s.info.Dim, len(items), s.tokenSize())
		for _, item := range items {
			item.Payload = payloads[item.ID]
			if err := b.Add(item); err != nil {
				return nil, err
			}
		}
		added := b.Segment()
		checkSegment(added)
		parts, _ := snap.without(added.IDs)
		return s.mergeInMemory(append(parts, part{segment: &segment{Segment: added}, live: len(added.IDs)}))
	}, nil
}

// items returns the live items among ids, in that order, with their tokens.
func (s *snapshot) items(ids []index.ID) ([]index.Item, error) {
	var items []index.Item
	for _, id := range ids {
		for _, p := range s.parts {
			row, ok := p.find(id)
			if !ok {
				continue
			}
			item, err := p.segment.Item(row)
			if err == nil && p.segment.TokenSize() > 0 {
				item.Tokens, err = p.segment.Tokens(row)
			}
			if err != nil {
				return nil, err
			}
			items = append(items, item)
			break
		}
	}
	return items, nil
}
