package graph

import (
	"context"
	"slices"
	"sync"

	"engram/index/internal/column"
	"engram/index/internal/flat"
	"engram/index/internal/simd"
)

// MinRows is the number of rows from which a graph is worth its build: a scan of
// fewer takes under half a millisecond, and is exact.
const MinRows = 20_000

// Searcher walks the graphs of the parts that have one, and scans the others.
type Searcher struct {
	// Graphs has the graph of each part, nil for a part that has none.
	Graphs []*Graph
	// Recall is the share of the nearest rows that a search is to find on average,
	// in (0, 1]. A part whose graph does not reach it is scanned.
	Recall float64
	Scan   flat.Scan
}

var _ column.Searcher = Searcher{}

// searches holds what searches that have ended leave to the next.
var searches = sync.Pool{New: func() any { return &search{walker: walker{kernels: simd.Best()}} }}

// Search implements column.Searcher. It appends k rows where there are so many. A
// part with a filter is scanned.
func (s Searcher) Search(ctx context.Context, dst []column.Match, parts []column.Part, q []float32, k int) ([]column.Match, error) {
	if k < 1 {
		return dst, ctx.Err()
	}
	r := searches.Get().(*search)
	defer r.release()
	for i, part := range parts {
		effort, ok := s.effort(i, part, k)
		if !ok {
			r.rest, r.places = append(r.rest, part), append(r.places, i)
			continue
		}
		if err := ctx.Err(); err != nil {
			return dst, err
		}
		if len(r.found) == 0 {
			r.query.Set(q)
		}
		r.walkFor(s.Graphs[i], part, k, effort)
		if len(r.best) < min(k, len(part.IDs)) { // dead rows took the places of others
			r.rest, r.places = append(r.rest, part), append(r.places, i)
			continue
		}
		for _, m := range r.best {
			m.Part = i
			r.found = append(r.found, m)
		}
	}
	walked := len(r.found)
	if len(r.rest) > 0 {
		var err error
		if r.found, err = s.Scan.Search(ctx, r.found, r.rest, q, k); err != nil {
			return dst, err
		}
		for i := range r.found[walked:] {
			m := &r.found[walked+i]
			m.Part = r.places[m.Part]
		}
	}
	slices.SortFunc(r.found, column.Compare)
	return append(dst, r.found[:min(k, len(r.found))]...), nil
}

// effort returns the effort of a walk over a part. ok is false where a scan is
// better.
func (s Searcher) effort(i int, part column.Part, k int) (effort int, ok bool) {
	if i >= len(s.Graphs) || s.Graphs[i] == nil || part.Filter != nil || s.Recall >= 1 {
		return 0, false
	}
	effort, ok = s.Graphs[i].Effort(k, s.Recall)
	// A walk looks at about 20 rows for each row that it keeps, and takes several
	// times as long for one as a scan.
	const cost = 64
	return effort, ok && effort <= len(part.IDs)/cost
}

// search is one search under way, with all the memory that it needs.
type search struct {
	walker
	query  column.Query
	padded []int8         // the code of the query
	score1 [1]float32     // of one row
	best   []column.Match // of one walk, best first
	found  []column.Match // of all parts
	rest   []column.Part  // parts that are scanned
	places []int          // of rest, among all parts
}

// release hands the search to the next one. It keeps nothing of this one alive.
func (s *search) release() {
	clear(s.rest)
	s.rest, s.places, s.found, s.query.Vector = s.rest[:0], s.places[:0], s.found[:0], nil
	searches.Put(s)
}

// walkFor sets best to the best k rows of a part that are not dead, among the rows
// that a walk finds. Their scores are those of flat.Scan, to the bit.
func (s *search) walkFor(g *Graph, part column.Part, k, effort int) {
	stride := column.CodeStride(part.Dim)
	s.padded = slices.Grow(s.padded[:0], stride)[:stride]
	clear(s.padded[copy(s.padded, s.query.Code):])
	s.walk(g, part.Rows, s.padded, effort)
	s.best = slices.Grow(s.best[:0], k)
	q := &s.query
	for i, c := range s.beam {
		row := int(c.row &^ expanded)
		if i+1 < len(s.beam) && len(s.best) < k {
			s.kernels.PrefetchVector(part.Vector(int(s.beam[i+1].row &^ expanded)))
		}
		if part.Dead.Has(row) {
			continue
		}
		upper := c.score*q.Scale + q.Slope*part.Residuals[row] + q.Offset
		if len(s.best) == k && upper < s.best[k-1].Score {
			continue
		}
		s.kernels.DotRows(s.score1[:], q.Vector, part.Vector(row), part.Dim)
		s.keep(column.Match{ID: part.IDs[row], Score: s.score1[0], Row: row}, k)
	}
}

// keep puts m among the best k where it belongs.
func (s *search) keep(m column.Match, k int) {
	at, _ := slices.BinarySearchFunc(s.best, m, column.Compare)
	if at == k {
		return
	}
	if len(s.best) == k {
		s.best = s.best[:k-1]
	}
	s.best = slices.Insert(s.best, at, m)
}
