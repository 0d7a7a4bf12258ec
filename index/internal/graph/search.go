package graph

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"engram/data/simd"
	"engram/index/internal/column"
	"engram/index/internal/flat"
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
	// Through asks for a walk through all rows where the chosen ones are known, though it
	// may cost up to four times as much as a scan of these (see through).
	Through bool
	// Report is set to what a search did, where it is not nil.
	Report *Report
}

var _ column.Searcher = Searcher{}

// searches holds what searches that have ended leave to the next.
var searches = sync.Pool{New: func() any { return &search{walker: walker{kernels: simd.Best()}} }}

// Search implements column.Searcher. It appends k rows where there are so many. A part
// whose chosen rows are known is walked until a scan of these costs less (see through). For
// a part with another filter it estimates the share of rows that the filter chooses, by
// asking about sampled rows. Where the share is large, a walk keeps as many more rows as the filter
// leaves out, and else the part is scanned.
func (s Searcher) Search(ctx context.Context, dst []column.Match, parts []column.Part, q []float32, k int) ([]column.Match, error) {
	if k < 1 {
		if s.Report != nil {
			s.Report.Recall = 1 // nothing is asked for
		}
		return dst, ctx.Err()
	}
	r := searches.Get().(*search)
	defer r.release()
	r.k = k
	r.inOrder(parts)
	for _, i := range r.order {
		part := parts[i]
		ok, err := r.walk(s, i, part, q)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return dst, err
		}
		if !ok {
			r.rest, r.places = append(r.rest, part), append(r.places, i)
			continue
		}
		for j := range r.best {
			r.best[j].Part = i
		}
		r.take()
		if s.Report != nil {
			s.Report.walked(s, r, i, part, k)
		}
	}
	if err := r.scorePool(parts); err != nil {
		return dst, err
	}
	r.take()
	walked := len(r.found)
	if len(r.rest) > 0 {
		var err error
		if s.Scan.Least = 0; walked == k {
			s.Scan.Least = r.found[k-1].Score
		}
		if r.found, err = s.Scan.Search(ctx, r.found, r.rest, q, k); err != nil {
			return dst, err
		}
		for i := range r.found[walked:] {
			m := &r.found[walked+i]
			m.Part = r.places[m.Part]
		}
	}
	slices.SortFunc(r.found, column.Compare)
	r.found = r.found[:min(k, len(r.found))]
	if s.Report != nil {
		s.Report.finish(r)
	}
	return append(dst, r.found...), nil
}

// walk sets best to the best rows of a part that a walk finds. ok is false where a scan is
// better.
func (r *search) walk(s Searcher, i int, part column.Part, q []float32) (ok bool, err error) {
	efforts, ok, err := r.efforts(s, i, part)
	if !ok || err != nil {
		return false, err
	}
	if len(r.query.Vector) == 0 {
		r.query.Set(q)
	}
	switch g := s.Graphs[i]; {
	case part.Possible != nil && part.Filter == nil:
		ok, err = r.walkChosen(s, g, part, efforts)
	case r.base.Near > 0:
		ok = r.walkShared(i, part, g, efforts)
	default:
		err = r.walkFor(g, part, r.k, efforts)
		ok = len(r.best) >= min(r.k, part.Most()) // or else rows that are dead or not chosen took places
	}
	if s.Report != nil && !ok && len(r.path) > 0 {
		s.Report.GivenUp = true
	}
	return ok, err
}

// Costs in rows that a scan compares (NOTES.md): of a walk for each row that it keeps, as it
// compares about 12 and takes longer for one; and of a scan for each hit, as it reads the
// vectors of several rows for one. For every movedRows rows that a walk keeps, each of them
// costs one more, as it is put into its place among all.
const keptCost, hitCost, movedRows = 32, 128, 256

// pays reports whether a walk of an effort costs no more than a scan of so many rows.
func (r *search) pays(effort, rows int) bool {
	return (keptCost+effort/movedRows)*effort <= rows+hitCost*r.k
}

// efforts returns the efforts of a walk over part i, and sets the chooser of its filter.
// ok is false where a scan is better.
func (r *search) efforts(s Searcher, i int, part column.Part) (e Efforts, ok bool, err error) {
	r.choose = nil
	if i >= len(s.Graphs) || s.Graphs[i] == nil || s.Recall >= 1 {
		return Efforts{}, false, nil
	}
	e, ok = s.Graphs[i].Efforts(r.k, s.Recall)
	if r.base = (Efforts{}); len(s.Graphs) > 1 && part.Possible == nil && part.Filter == nil {
		r.base = e
	}
	if part.Possible != nil && part.Filter == nil {
		return e, ok && (s.Through || promising(scanCost(part), s.Graphs[i].First, e.Near)), nil
	}
	chosen, among := part.Most(), len(part.IDs)
	if ok && part.Filter != nil {
		r.choose = part.Filter()
		if chosen, err = r.sample(part); err != nil || chosen < asked/8 {
			return Efforts{}, false, err
		}
		among = asked
	}
	if chosen == 0 {
		return Efforts{}, false, nil
	}
	e = Efforts{e.Near * among / chosen, e.Distant * among / chosen}
	if !r.pays(e.Distant, part.Most()) {
		e.Distant = 0
	}
	return e, ok && r.pays(e.Near, part.Most()), nil
}

// asked is how many rows a filter is asked about before a walk.
const asked = 128

// sample returns how many of the rows that it asks about the filter chooses.
func (r *search) sample(part column.Part) (chosen int, err error) {
	for i := range uint32(asked) {
		// Multiples of the golden ratio are spread evenly, and follow no period that
		// payloads may have.
		at := uint64(i*2654435769) * uint64(len(part.IDs)) >> 32
		if !part.Allowed(int(at)) {
			continue
		}
		ok, err := r.choose(int(at))
		if err != nil {
			return 0, err
		}
		if ok {
			chosen++
		}
	}
	return chosen, nil
}

// search is one search under way, with all the memory that it needs.
type search struct {
	walker
	k      int // rows that are wanted
	query  column.Query
	choose column.Chooser // of the part that is walked; nil: every row
	padded []int8         // the code of the query
	vector []float32      // room for one row that is read
	score1 [1]float32     // of one row
	best   []column.Match // of one walk, best first

	effort  int  // of the walk
	distant bool // it was for a distant query

	// Of walks of several parts without a filter (see walkShared).
	order []int    // parts, in the order in which they are walked
	base  Efforts  // of the part, without what dead rows take; zero where others share none of it
	near  bool     // the query is not distant for a part that was walked
	pool  []pooled // live rows in the beams of parts, the best first
	spare []pooled // room for the next pool

	found  []column.Match // of all parts
	rest   []column.Part  // parts that are scanned
	places []int          // of rest, among all parts
}

// release hands the search to the next one. It keeps nothing of this one alive.
func (s *search) release() {
	clear(s.rest)
	s.pool = s.pool[:0]
	s.rest, s.places, s.found, s.query.Vector, s.choose = s.rest[:0], s.places[:0], s.found[:0], nil, nil
	searches.Put(s)
}

// walkFor sets best to the best k rows of a part that are not dead and that the filter
// chooses, among the rows that a walk finds, or to none where a scan is better. A row has
// the same score as from flat.Scan, to the bit.
func (s *search) walkFor(g *Graph, part column.Part, k int, e Efforts) error {
	code := s.paddedCode(column.CodeStride(part.Dim))
	effort := s.begin(g, part.Rows, code, e)
	if s.best = s.best[:0]; effort == 0 {
		return nil
	}
	s.finish(g, part.Rows, code, effort)
	return s.scoreBeam(part, k)
}

// begin begins a walk, and returns its effort: for a query like the rows or for a distant
// one, as the best score with the entries tells. It is 0 where a scan is better.
func (s *search) begin(g *Graph, rows *column.Rows, code []int8, e Efforts) int {
	s.start(g, rows, code, max(e.Near, e.Distant))
	s.effort, s.distant = e.Near, !s.near && s.beam[0].score*s.query.Scale < g.Near
	if !s.distant {
		return e.Near
	}
	if e.Distant > 0 {
		s.beam = s.beam[:min(len(s.beam), e.Distant)] // it has room for the effort of near queries
		s.enter(g.Entries[g.First:], rows, code, e.Distant)
	}
	s.effort = e.Distant
	return e.Distant
}

// scoreBeam sets best to the best k rows of the beam that are not dead and that the filter
// chooses.
func (s *search) scoreBeam(part column.Part, k int) error {
	s.best = s.best[:0]
	for i, c := range s.beam {
		c.row &^= expanded
		if part.Read == nil && i+1 < len(s.beam) && len(s.best) < k {
			s.kernels.PrefetchVector(part.Vector(int(s.beam[i+1].row &^ expanded)))
		}
		if !part.Allowed(int(c.row)) {
			continue
		}
		if err := s.scoreRow(&part, pooled{candidate: c}, k); err != nil {
			return err
		}
	}
	return nil
}

// scoreRow scores a row of a part by its vector, and keeps it where it is among the best k
// and the filter chooses it. A row whose code says that it is not likely to be is not read.
func (s *search) scoreRow(part *column.Part, c pooled, k int) error {
	q, row := &s.query, int(c.row)
	if len(s.best) == k && c.score*q.Scale+q.Likely(part.Scales[row]) < s.best[k-1].Score {
		return nil
	}
	s.best, s.vector = slices.Grow(s.best, k-len(s.best)), slices.Grow(s.vector[:0], part.Dim)
	vector, err := part.Load(s.vector, row)
	if err != nil {
		return err
	}
	s.kernels.DotRows(s.score1[:], q.Vector, vector, part.Dim)
	if err := q.CheckScore(part.Rows, row, s.score1[0], c.score*q.Scale); err != nil {
		return err
	}
	m := column.Match{ID: part.IDs[row], Score: s.score1[0], Part: int(c.part), Row: row}
	if len(s.best) == k && column.Compare(m, s.best[k-1]) > 0 {
		return nil
	}
	if s.choose != nil {
		if ok, err := s.choose(row); !ok || err != nil {
			return err
		}
	}
	s.keep(m, k)
	return nil
}

// paddedCode returns the code of the query, padded with zeros to stride.
func (s *search) paddedCode(stride int) []int8 {
	s.padded = slices.Grow(s.padded[:0], stride)[:stride]
	clear(s.padded[copy(s.padded, s.query.Code):])
	return s.padded
}

// keep puts m where it belongs in best, the best k matches so far. It is better than the last
// of k, which then goes.
func (s *search) keep(m column.Match, k int) {
	at, _ := slices.BinarySearchFunc(s.best, m, column.Compare)
	if len(s.best) == k {
		s.best = s.best[:k-1]
	}
	s.best = slices.Insert(s.best, at, m)
}
