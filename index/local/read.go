package local

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
	"engram/index/internal/graph"
)

// Search implements index.Store. Items that are in a graph (see Optimise) are found by
// a walk over it, on one goroutine, with the effort that Query.Recall takes. The other
// items are scanned, on as many goroutines as the program may run: by codes of one byte
// per element first, then exactly (see package flat). All items are scanned where the
// query is exact, where a filter chooses few items, and where a graph does not reach the
// recall. Of the items on disk only the ones that the indexes of payload keys leave
// possible are looked at (see IndexPayload). Where these do not decide, a filter is asked
// about the items that are near enough; it reads their payloads without comparing them
// with their checksums, but for the hits.
func (s *Store) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	vector, err := s.checkQuery(q)
	if err != nil {
		return nil, err
	}
	seen, err := snap.see(q.Filter)
	if err != nil {
		return nil, err
	}
	searcher := snap.searcher(q)
	matches, err := searcher.Search(ctx, nil, seen.parts, vector, min(q.K, snap.count))
	if err != nil {
		return nil, err
	}
	if q.Explain != nil {
		*q.Explain = snap.explain(searcher)
	}
	s.note(snap, q.Filter, seen.asked.Load())
	return snap.hits(matches, q)
}

// hits returns what a search found as a caller sees it. Payloads that are handed out or
// that a filter may have read are compared with their checksums.
func (s *snapshot) hits(matches []column.Match, q index.Query) ([]index.Hit, error) {
	hits := make([]index.Hit, len(matches))
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

// defaultRecall is the recall of a query that asks for none.
const defaultRecall = .98

// searcher returns how the rows that q asks for are found.
func (s *snapshot) searcher(q index.Query) column.Searcher {
	scan := flat.Scan{Threads: runtime.GOMAXPROCS(0)}
	if q.Exact {
		return scan
	}
	walk := graph.Searcher{Graphs: make([]*graph.Graph, len(s.parts)), Recall: cmp.Or(q.Recall, defaultRecall), Scan: scan}
	for i, p := range s.parts {
		walk.Graphs[i] = p.segment.Graph()
	}
	if q.Explain != nil {
		walk.Report = new(graph.Report)
	}
	return walk
}

// explain says what a searcher has done.
func (s *snapshot) explain(searcher column.Searcher) index.Explanation {
	walk, ok := searcher.(graph.Searcher)
	if !ok {
		exact := 1.
		return index.Explanation{Path: index.ByScan, Scanned: s.rows(), Recall: &exact}
	}
	r := walk.Report
	recall := math.Round(r.Recall*1e4) / 1e4
	e := index.Explanation{Items: r.Walked, Scanned: r.Scanned, Effort: r.Effort, Recall: &recall}
	switch {
	case r.Walked == 0:
		e.Path = index.ByScan
	case r.Scanned > 0:
		e.Path = index.ByWalkAndScan
	case r.Filtered:
		e.Path = index.ByFilteredWalk
	default:
		e.Path = index.ByWalk
	}
	return e
}

// rows is how many rows the parts have, dead ones included.
func (s *snapshot) rows() (n int) {
	for _, p := range s.parts {
		n += len(p.segment.IDs)
	}
	return n
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
