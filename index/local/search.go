package local

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
	"engram/index/internal/graph"
)

// defaultRecall is the recall of a query that asks for none.
const defaultRecall = .98

// search is one search under way, with all the memory that it needs but for the answer. It
// is used again by the next one.
type search struct {
	view
	vector  []float32 // of the query, in unit length
	exact   bool
	scan    flat.Scan
	walk    graph.Searcher
	matches []column.Match
}

// searches holds what searches that have ended leave to the next.
var searches = sync.Pool{New: func() any { return new(search) }}

// prepare readies r for a query, which it refuses as Search does.
func (s *Store) prepare(r *search, snap *snapshot, q index.Query) error {
	if err := q.Check(); err != nil {
		return err
	}
	r.vector = slices.Grow(r.vector[:0], s.info.Dim)[:s.info.Dim]
	if err := index.UnitTo(r.vector, q.Vector); err != nil {
		return err
	}
	r.exact, r.scan.Threads = q.Exact, runtime.GOMAXPROCS(0)
	r.walk.Recall, r.walk.Scan, r.walk.Graphs, r.walk.Through = cmp.Or(q.Recall, defaultRecall), r.scan, r.walk.Graphs[:0], false
	for _, p := range snap.parts {
		r.walk.Graphs = append(r.walk.Graphs, p.segment.Graph())
	}
	if q.Explain != nil {
		r.walk.Report = new(graph.Report)
	}
	return r.see(snap, q.Filter)
}

// release hands r to the next search. It keeps nothing of this one alive.
func (r *search) release() {
	clear(r.parts)
	clear(r.walk.Graphs)
	r.walk.Report, r.matches = nil, r.matches[:0]
	searches.Put(r)
}

// searcher returns how the rows that the query asks for are found.
func (r *search) searcher() column.Searcher {
	if r.exact {
		return &r.scan
	}
	return &r.walk
}

// explain says what the search has done.
func (r *search) explain(snap *snapshot) index.Explanation {
	if r.exact {
		return snap.explainScan()
	}
	report := r.walk.Report
	recall := math.Round(report.Recall*1e4) / 1e4
	e := index.Explanation{Items: report.Walked, Scanned: report.Scanned, Effort: report.Effort, Recall: &recall}
	switch {
	case report.Walked == 0 && report.GivenUp:
		e.Path = index.ByScanAfterWalk
	case report.Walked == 0:
		e.Path = index.ByScan
	case report.Scanned > 0:
		e.Path = index.ByWalkAndScan
	case report.Filtered:
		e.Path = index.ByFilteredWalk
	default:
		e.Path = index.ByWalk
	}
	return e
}

// explainScan is explain of a search that looks at every item.
func (s *snapshot) explainScan() index.Explanation {
	exact, rows := 1., 0
	for _, p := range s.parts {
		rows += len(p.segment.IDs)
	}
	return index.Explanation{Path: index.ByScan, Scanned: rows, Recall: &exact}
}
