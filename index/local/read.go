package local

import (
	"context"
	"fmt"
	"iter"

	"engram/index"
	"engram/index/internal/column"
)

// Search implements index.Store. Items that are in a graph (see Optimise; items in memory
// get one once searches come) are found by a walk over it, on one goroutine, with the effort that Query.Recall takes. The other
// items are scanned, on as many goroutines as the program may run: by codes of one byte
// per element first, then exactly (see package flat). All items are scanned where the
// query is exact, where a filter chooses few items, and where a graph does not reach the
// recall. Of the items on disk only the ones that the indexes of payload keys leave
// possible are looked at (see IndexPayload). Where these do not decide, a filter is asked
// about the items that are near enough; it reads their payloads without comparing them
// with their checksums, but for the hits.
func (s *Store) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	return s.search(ctx, q, false)
}

// SearchThrough is Search with one way for filters whose matches the indexes of payload
// keys know: a walk of all items, which keeps the matches. A walk that has cost four times
// as much as a scan of the matches is given up for the scan (index.ByScanAfterWalk).
// engram bench compares Search with it.
func (s *Store) SearchThrough(ctx context.Context, q index.Query) ([]index.Hit, error) {
	return s.search(ctx, q, true)
}

func (s *Store) search(ctx context.Context, q index.Query, through bool) ([]index.Hit, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	r := searches.Get().(*search)
	defer r.release()
	if err := s.prepare(r, snap, q); err != nil {
		return nil, err
	}
	r.walk.Through = through
	if r.matches, err = r.searcher().Search(ctx, r.matches, r.parts, r.vector, min(q.K, snap.count)); err != nil {
		return nil, err
	}
	if q.Explain != nil {
		*q.Explain = r.explain(snap)
	}
	s.note(snap, q.Filter, r.asked.Load())
	if !q.Exact {
		s.scanned(snap)
	}
	return snap.hits(r.matches, q)
}

// hits returns what a search found as a caller sees it. Payloads that are handed out or
// that a filter may have read are compared with their checksums.
func (s *snapshot) hits(matches []column.Match, q index.Query) ([]index.Hit, error) {
	hits := q.Into
	if hits == nil || cap(hits) < len(matches) {
		hits = make([]index.Hit, len(matches))
	}
	hits = hits[:len(matches)]
	for i, m := range matches {
		hits[i] = index.Hit{ID: m.ID, Score: max(-1, min(1, m.Score))}
		var err error
		switch segment := s.parts[m.Part].segment; {
		case q.WithPayload:
			hits[i].Payload, err = segment.Payload(m.Row)
		case q.Filter != nil:
			err = segment.CheckPayload(m.Row)
		}
		if err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// Get implements index.Store.
func (s *Store) Get(ctx context.Context, ids []index.ID) ([]index.Item, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	var items []index.Item
	for _, id := range ids {
		for _, p := range snap.parts {
			row, ok := p.find(id)
			if !ok {
				continue
			}
			item, err := p.segment.Item(row)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
			break
		}
	}
	return items, nil
}

// Tokens implements index.TokenStore. It checks the blocks that it hands out.
func (s *Store) Tokens(ctx context.Context, ids []index.ID) ([][]byte, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	if !s.info.Tokens.Kept() {
		return nil, fmt.Errorf("the index %s keeps no tokens: %w", s.folder.Path, index.ErrTokens)
	}
	tokens := make([][]byte, len(ids))
	for i, id := range ids {
		for _, p := range snap.parts {
			row, ok := p.find(id)
			if !ok {
				continue
			}
			if tokens[i], err = p.segment.Tokens(row); err != nil {
				return nil, err
			}
			break
		}
	}
	return tokens, nil
}

// tokenSize returns the bytes of an item's tokens, 0 where none are kept.
func (s *Store) tokenSize() int {
	if !s.info.Tokens.Kept() {
		return 0
	}
	return s.info.Tokens.Size()
}

var _ index.Ranged = (*Store)(nil)

// All implements index.Store.
func (s *Store) All(ctx context.Context) iter.Seq2[index.Item, error] { return s.AllFrom(ctx, 0) }

// AllFrom implements index.Ranged.
func (s *Store) AllFrom(ctx context.Context, from index.ID) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		snap, err := s.acquire(ctx)
		if err != nil {
			yield(index.Item{}, err)
			return
		}
		defer snap.release()
		for row := range rowsFrom(snap.parts, from) {
			item, err := index.Item{}, ctx.Err()
			if err == nil {
				item, err = row.Segment.Item(row.Row)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}
