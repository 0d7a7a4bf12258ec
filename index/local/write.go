package local

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"engram/index"
	"engram/index/internal/disk"
)

// Upsert implements index.Store. Of items with the same id the last one
// counts. Where the rows in memory have grown past 64 MiB they are flushed
// first, and so are durable before Flush is called, whole calls at a time; the
// call fails, and applies nothing, where that fails.
func (s *Store) Upsert(ctx context.Context, items []index.Item) error {
	entries, err := s.entries(items)
	if err != nil {
		return err
	}
	return s.write(ctx, func(snap *snapshot) ([]part, error) {
		if len(entries) == 0 {
			return nil, nil
		}
		ids := make([]index.ID, len(entries))
		for i, e := range entries {
			ids[i] = e.ID
		}
		parts, _ := snap.without(ids)
		added := part{segment: &segment{Segment: disk.NewSegment(s.info.Dim, entries)}, live: len(entries)}
		return s.mergeInMemory(append(parts, added))
	})
}

// entries checks items and returns them in ascending order of id, each once.
func (s *Store) entries(items []index.Item) ([]disk.Entry, error) {
	entries := make([]disk.Entry, len(items))
	for i, item := range items {
		unit, err := index.Unit(item.Vector, s.info.Dim)
		if err == nil {
			err = item.Payload.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", item.ID, err)
		}
		entries[i] = disk.Entry{ID: item.ID, Vector: unit, Payload: disk.AppendPayload(nil, item.Payload)}
	}
	// The last of equal ids comes first, and stays.
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b disk.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(entries, func(a, b disk.Entry) bool { return a.ID == b.ID }), nil
}

// Delete implements index.Store.
func (s *Store) Delete(ctx context.Context, ids []index.ID) (int, error) {
	removed := 0
	err := s.write(ctx, func(snap *snapshot) (parts []part, err error) {
		parts, removed = snap.without(sortedIDs(ids))
		if removed == 0 {
			return nil, nil
		}
		return s.mergeInMemory(parts)
	})
	return removed, err
}

// Flush implements index.Store.
func (s *Store) Flush(ctx context.Context) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.flush(ctx)
}

// write lets change make the parts of the next snapshot from the current one;
// nil parts change nothing.
func (s *Store) write(ctx context.Context, change func(*snapshot) ([]part, error)) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	snap := s.current.Load()
	if snap == nil {
		return index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	size := 0
	for _, p := range snap.parts {
		if p.inMemory() {
			size += p.segment.Bytes()
		}
	}
	if size > s.memoryLimit {
		if err := s.flush(ctx); err != nil {
			return fmt.Errorf("writing %d bytes of rows from memory: %w", size, err)
		}
		snap = s.current.Load()
	}
	parts, err := change(snap)
	if err != nil || parts == nil {
		return err
	}
	s.dirty = true
	s.publish(parts)
	return nil
}

// mergeInMemory drops segments in memory that are dead, and joins the last two
// as long as the newer has at least half the rows of the older. So there are
// few, and a row is copied a logarithmic number of times. Parts on disk come
// first and stay.
func (s *Store) mergeInMemory(parts []part) ([]part, error) {
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.inMemory() && p.live == 0 })
	for n := len(parts); n >= 2 && parts[n-2].inMemory() && parts[n-2].live <= 2*parts[n-1].live; n-- {
		merged := make([]disk.Entry, 0, parts[n-2].live+parts[n-1].live)
		for row := range rows(parts[n-2:]) {
			entry, err := row.Entry()
			if err != nil {
				return nil, err
			}
			merged = append(merged, entry)
		}
		joined := part{segment: &segment{Segment: disk.NewSegment(s.info.Dim, merged)}, live: len(merged)}
		parts = append(parts[:n-2], joined)
	}
	return parts, nil
}
