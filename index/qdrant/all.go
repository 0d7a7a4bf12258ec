package qdrant

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// iteration is an All that is under way. The server has no snapshots to read
// from. So each write first notes the items that it is about to change, as they
// are, for the iterations that have not passed them.
type iteration struct {
	next   uint64                   // ids below it were read
	before map[index.ID]*index.Item // nil where there was no item
}

// All implements index.Store. It reads page after page and keeps to the moment of
// its start: writes of this Store do not show, except in a bulk load.
func (s *Store) All(ctx context.Context) iter.Seq2[index.Item, error] { return s.AllFrom(ctx, 0) }

var _ index.Ranged = (*Store)(nil)

// AllFrom implements index.Ranged.
func (s *Store) AllFrom(ctx context.Context, first index.ID) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		release, err := s.acquire(ctx)
		if err != nil {
			yield(index.Item{}, err)
			return
		}
		defer release()
		it := &iteration{before: map[index.ID]*index.Item{}}
		defer s.forget(it)
		for from := api.NewIDNum(uint64(first)); from != nil; {
			var items []index.Item
			if items, from, err = s.page(ctx, it, from); err != nil {
				yield(index.Item{}, err)
				return
			}
			for _, item := range items {
				err := ctx.Err()
				if err != nil {
					item = index.Item{}
				}
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// page returns the items of an iteration from an id on, and the id that comes
// after them, nil at the end. The first page is what starts the iteration.
func (s *Store) page(ctx context.Context, it *iteration, from *api.PointId) ([]index.Item, *api.PointId, error) {
	if err := s.view.Acquire(ctx, 1); err != nil {
		return nil, nil, err
	}
	defer s.view.Release(1)
	points, next, err := s.scroll(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	items := make([]index.Item, 0, len(points))
	for _, p := range points {
		item, err := s.item(p)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, item)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items = it.asBefore(items, next)
	if it.next = next.GetNum(); next != nil {
		s.iterations[it] = true
	} else {
		delete(s.iterations, it)
	}
	return items, next, nil
}

// asBefore puts those items of a page that have changed since the iteration
// started back as they were.
func (it *iteration) asBefore(items []index.Item, next *api.PointId) []index.Item {
	if len(it.before) == 0 {
		return items
	}
	items = slices.DeleteFunc(items, func(item index.Item) bool {
		_, changed := it.before[item.ID]
		return changed
	})
	for id, item := range it.before {
		if next != nil && uint64(id) >= next.GetNum() {
			continue // of a later page
		}
		if item != nil { // which other iterations hold too
			items = append(items, index.Item{ID: id, Vector: slices.Clone(item.Vector), Payload: maps.Clone(item.Payload)})
		}
		delete(it.before, id)
	}
	slices.SortFunc(items, func(a, b index.Item) int { return cmp.Compare(a.ID, b.ID) })
	return items
}

// forget ends an iteration.
func (s *Store) forget(it *iteration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.iterations, it)
}

// remember notes the items with these ids for the iterations under way. The
// caller holds the view for writing.
func (s *Store) remember(ctx context.Context, ids []*api.PointId) error {
	s.mu.Lock()
	running := slices.Collect(maps.Keys(s.iterations))
	s.mu.Unlock()
	if len(running) == 0 {
		return nil
	}
	for part := range slices.Chunk(ids, s.pageSize()) {
		before := make(map[index.ID]*index.Item, len(part))
		for _, id := range part {
			before[index.ID(id.GetNum())] = nil
		}
		points, err := s.retrieve(ctx, part, everything)
		if err != nil {
			return err
		}
		for _, p := range points {
			item, err := s.item(p)
			if err != nil {
				return err
			}
			before[item.ID] = &item
		}
		s.note(running, before)
	}
	return nil
}

// note keeps the first that is noted of an item.
func (s *Store) note(running []*iteration, before map[index.ID]*index.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range running {
		for id, item := range before {
			if _, noted := it.before[id]; !noted && uint64(id) >= it.next {
				it.before[id] = item
			}
		}
	}
}
