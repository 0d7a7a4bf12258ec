package flat

import (
	"cmp"
	"slices"

	"engram/index/internal/column"
)

const (
	// blockRows is how many rows one kernel call handles. Their results fit
	// the first-level cache, and a block of 256 × 768 codes takes about 15 µs,
	// so that a cancelled scan ends at once.
	blockRows = 256
	// minCoded is the number of rows from which codes are used.
	minCoded = 1024
	// minWaiting is the least number of candidates that wait for re-scoring.
	minWaiting = 1024
)

// candidate is a row that waits to be scored in float32.
type candidate struct {
	upper     float32 // no score above this
	part, row int32
}

func before(a, b candidate) bool { return a.upper > b.upper }

// scanner looks at rows and keeps the best. It belongs to one goroutine.
//
// Candidates are not scored at once: they gather in waiting until it is full.
// Then those with the highest upper bounds are scored first, until the best
// bound left does not reach the K-th best score; the others are dropped. So
// memory is bounded, and early rows, whose rivals are not known yet, cost
// little.
type scanner struct {
	*run
	task   func()           // work and done.Done, made once
	choose []column.Chooser // of each part; nil: every row
	err    error            // of a chooser, or of the context

	best    top
	waiting []candidate
	scores  []float32 // of one block
	dots    []int32   // of one block
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
	s.err = nil
	s.best = top{k: s.k, matches: slices.Grow(s.best.matches[:0], s.k)}
	s.waiting = slices.Grow(s.waiting[:0], max(minWaiting, 4*s.k))
	s.choose = slices.Grow(s.choose[:0], len(s.parts))[:len(s.parts)]
	for i, p := range s.parts {
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
			s.rescore()
			return
		}
		c := s.chunks[i]
		if s.scan(c.part, c.lo, c.hi); s.err != nil {
			return
		}
	}
}

// least is the score that a row must reach to be among the k best.
func (s *scanner) least() float32 {
	if s.best.full() {
		s.limit.raise(s.best.matches[0].Score)
	}
	return s.limit.load()
}

// scan looks at rows lo to hi of a part.
func (s *scanner) scan(part, lo, hi int) {
	codes := coded(s.parts[part])
	for ; lo < hi; lo += blockRows {
		if s.err = cmp.Or(s.err, s.ctx.Err()); s.err != nil {
			return
		}
		if codes {
			s.scanCodes(part, lo, min(hi, lo+blockRows))
		} else {
			s.scanVectors(part, lo, min(hi, lo+blockRows))
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
	p := s.parts[part]
	stride := column.VectorStride(p.Dim)
	scores := s.scores[:hi-lo]
	s.kernels.DotRows(scores, s.query.Vector, p.Vectors[lo*stride:hi*stride], stride)
	limit := s.least()
	for i, score := range scores {
		if score >= limit && !p.Dead.Has(lo+i) && s.takes(part, lo+i) {
			s.best.offer(column.Match{ID: p.IDs[lo+i], Score: score, Part: part, Row: lo + i})
			limit = s.least()
		}
	}
}

// scanCodes looks at the codes of the rows lo to hi, and puts the rows that may be
// among the best on the waiting list.
func (s *scanner) scanCodes(part, lo, hi int) {
	p := s.parts[part]
	stride := column.CodeStride(p.Dim)
	dots := s.dots[:hi-lo]
	s.kernels.DotRowsInt8(dots, s.query.Code, p.Codes[lo*stride:hi*stride], stride)
	scales, residuals := p.Scales[lo:hi][:len(dots)], p.Residuals[lo:hi][:len(dots)]
	scale, slope, offset := s.query.Scale, s.query.Slope, s.query.Offset
	limit := s.least()
	for i, dot := range dots {
		upper := float32(dot)*(scale*scales[i]) + slope*residuals[i] + offset
		if upper < limit || p.Dead.Has(lo+i) {
			continue
		}
		if s.choose[part] != nil {
			// Asking the filter about a row costs more than scoring it.
			if s.takes(part, lo+i) {
				s.score(part, lo+i)
				limit = s.least()
			}
			continue
		}
		if len(s.waiting) == cap(s.waiting) {
			s.rescore()
			limit = s.least()
		}
		s.waiting = append(s.waiting, candidate{upper: upper, part: int32(part), row: int32(lo + i)})
	}
}

// rescore empties the waiting list into the best matches.
func (s *scanner) rescore() {
	h := s.waiting
	for i := len(h)/2 - 1; i >= 0; i-- {
		siftDown(h, i, before)
	}
	for len(h) > 0 && h[0].upper >= s.least() {
		c := h[0]
		h[0] = h[len(h)-1]
		h = h[:len(h)-1]
		siftDown(h, 0, before)
		s.score(int(c.part), int(c.row))
	}
	s.waiting = s.waiting[:0]
}

// score scores one row in float32.
func (s *scanner) score(part, row int) {
	p := s.parts[part]
	s.kernels.DotRows(s.scores[:1], s.query.Vector, p.Vector(row), p.Dim)
	s.best.offer(column.Match{ID: p.IDs[row], Score: s.scores[0], Part: part, Row: row})
}
