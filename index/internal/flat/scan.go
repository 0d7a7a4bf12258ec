package flat

import (
	"cmp"
	"math/bits"
	"slices"

	"engram/data/simd"
	"engram/index/internal/column"
)

const (
	// blockRows is how many rows one kernel call handles. Their results fit
	// the first-level cache, and a block of 1,024 × 768 codes takes about 20 µs,
	// so that a cancelled scan ends at once. A smaller first block, which is scored at
	// once, makes 5,000 rows 3 % faster, within the noise.
	blockRows = 1024
	// minCoded is the number of rows from which codes are used (see coded).
	minCoded = 1024
	// minWaiting is the least number of candidates that wait for re-scoring.
	minWaiting = 1024
)

// scanner looks at rows and keeps the best. It belongs to one goroutine.
type scanner struct {
	*run
	scorer
	shortlist
	task   func()           // work and done.Done, made once
	choose []column.Chooser // of each part; nil: every row

	scores []float32 // of one block
	dots   []int32   // of one block
	rows   []uint32  // the possible rows of one block
	padded []int8    // the code of the query
	reach  [(blockRows + 15) / 16]uint16
	bound  simd.Bound
}

func newScanner(r *run) *scanner {
	s := &scanner{run: r, scores: make([]float32, blockRows), dots: make([]int32, blockRows)}
	s.task = func() {
		defer r.done.Done()
		s.work()
	}
	return s
}

// prepare readies the scanner for the run's search.
func (s *scanner) prepare() {
	s.scorer.prepare(s.run.kernels, s.run.parts)
	s.reset(s.k, minWaiting, &s.run.limit)
	s.choose = slices.Grow(s.choose[:0], len(s.run.parts))[:len(s.run.parts)]
	for i, p := range s.run.parts {
		if s.choose[i] = nil; p.Filter != nil {
			s.choose[i] = p.Filter()
		}
	}
}

// work looks at chunks of rows until none is left.
func (s *scanner) work() {
	for {
		i := int(s.next.Add(1)) - 1
		if i >= len(s.chunks) {
			s.rescore(&s.shortlist, s.query.Vector)
			return
		}
		c := s.chunks[i]
		if s.scan(c.part, c.lo, c.hi); s.err != nil {
			return
		}
	}
}

// scan looks at rows lo to hi of a part.
func (s *scanner) scan(part, lo, hi int) {
	codes := coded(s.run.parts[part], s.wanted)
	for ; lo < hi; lo += blockRows {
		if s.err = cmp.Or(s.err, s.ctx.Err()); s.err != nil {
			return
		}
		end := min(hi, lo+blockRows)
		switch {
		case !codes:
			s.scanVectors(part, lo, end)
		case s.run.parts[part].Possible != nil:
			s.scanPossible(part, lo, end)
		default:
			s.scanCodes(part, lo, end)
		}
	}
}

// takes reports whether the filter chooses a row. After an error it chooses no row.
func (s *scanner) takes(part, row int) bool {
	choose := s.choose[part]
	if choose == nil || s.err != nil {
		return choose == nil
	}
	var ok bool
	ok, s.err = choose(row)
	return ok && s.err == nil
}

// scanVectors scores the rows lo to hi in float32.
func (s *scanner) scanVectors(part, lo, hi int) {
	p := s.run.parts[part]
	stride := column.VectorStride(p.Dim)
	scores := s.scores[:hi-lo]
	s.run.kernels.DotRows(scores, s.query.Vector, p.Vectors[lo*stride:hi*stride], stride)
	limit := s.least()
	for i, score := range scores {
		if !(score < limit) && p.Allowed(lo+i) && s.takes(part, lo+i) {
			s.checkNumber(p.Rows, lo+i, score)
			s.best.offer(column.Match{ID: p.IDs[lo+i], Score: score, Part: part, Row: lo + i})
			limit = s.least()
		}
	}
}

// scanCodes looks at the codes of the rows lo to hi, and puts the rows that may be
// among the best on the waiting list.
func (s *scanner) scanCodes(part, lo, hi int) {
	p := s.run.parts[part]
	stride := column.CodeStride(p.Dim)
	dots := s.dots[:hi-lo]
	s.run.kernels.DotRowsInt8(dots, s.query.Code, p.Codes[lo*stride:hi*stride], stride)
	q, filtered := &s.query, s.choose[part] != nil
	s.bound = simd.Bound{Scale: q.Scale, Slope: q.Slope, Offset: q.Offset, Limit: s.least()}
	s.run.kernels.ReachRows(s.reach[:], dots, p.Scales[lo:hi], p.Residuals[lo:hi], &s.bound)
	for block, rows := range s.reach[:(len(dots)+15)/16] {
		for ; rows != 0; rows &= rows - 1 {
			i := 16*block + bits.TrailingZeros16(rows)
			upper := float32(dots[i])*(q.Scale*p.Scales[lo+i]) + q.Slope*p.Residuals[lo+i] + q.Offset
			if upper < s.shortlist.limit.load() || !p.Allowed(lo+i) {
				continue
			}
			if !filtered {
				s.wait(candidate{upper: upper, part: int32(part), row: int32(lo + i)})
			} else if s.takes(part, lo+i) { // asking the filter costs more than scoring
				s.offer(&s.shortlist, q.Vector, part, lo+i)
				s.least()
			}
		}
	}
}

// wait puts a row on the waiting list.
func (s *scanner) wait(c candidate) {
	if s.full() {
		if s.rescore(&s.shortlist, s.query.Vector); c.upper < s.shortlist.limit.load() {
			return
		}
	}
	s.waiting = append(s.waiting, c)
}
