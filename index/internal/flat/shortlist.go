package flat

import (
	"cmp"
	"slices"

	"engram/data/simd"
	"engram/index/internal/column"
)

const (
	// ahead is how many candidates are fetched from memory while one is scored. It is
	// a power of two.
	ahead = 4
)

// candidate is a row that waits to be scored in float32.
type candidate struct {
	upper     float32 // no score above this
	part, row int32
}

func before(a, b candidate) bool { return a.upper > b.upper }

// shortlist is the best rows of one query that one goroutine has found.
//
// Candidates are not scored at once: they gather in waiting until it is full.
// Then the candidates with the highest upper bounds are scored first, until the
// best bound left does not reach the K-th best score; the others are dropped. So
// memory is bounded, and early rows, whose rivals are not known yet, cost
// little.
type shortlist struct {
	best    top
	waiting []candidate
	limit   *limit // of all goroutines
}

// reset empties the list, for the k best rows, with room for candidates.
func (l *shortlist) reset(k, candidates int, shared *limit) {
	l.best = top{k: k, matches: slices.Grow(l.best.matches[:0], k)}
	l.waiting = slices.Grow(l.waiting[:0], max(candidates, 4*k))
	l.limit = shared
}

// least is the score that a row must reach to be among the k best.
func (l *shortlist) least() float32 {
	if l.best.full() {
		l.limit.raise(l.best.matches[0].Score)
	}
	return l.limit.load()
}

// full reports whether no further candidate can wait.
func (l *shortlist) full() bool { return len(l.waiting) == cap(l.waiting) }

// scorer scores rows in float32 with one query.
type scorer struct {
	kernels *simd.Kernels
	parts   []column.Part
	score   [1]float32
	dot     [1]int32
	vector  []float32 // room for one row that is read
	err     error     // of reading a row, of a chooser, or of the context
}

// prepare readies the scorer for rows of parts.
func (s *scorer) prepare(kernels *simd.Kernels, parts []column.Part) {
	s.kernels, s.parts, s.err = kernels, parts, nil
	for _, p := range parts {
		s.vector = slices.Grow(s.vector[:0], p.Dim)
	}
}

// offer scores a row and offers it to the list. It sets err where the row cannot be read.
func (s *scorer) offer(l *shortlist, q []float32, part, row int) {
	p := &s.parts[part]
	vector, err := p.Load(s.vector, row)
	if err != nil {
		s.err = cmp.Or(s.err, err)
		return
	}
	s.kernels.DotRows(s.score[:], q, vector, p.Dim)
	s.checkNumber(p.Rows, row, s.score[0])
	l.best.offer(column.Match{ID: p.IDs[row], Score: s.score[0], Part: part, Row: row})
}

// checkNumber sets err where the score of a row is NaN, which comes of damage alone: such
// a row would be among the best nowhere.
func (s *scorer) checkNumber(r *column.Rows, row int, score float32) {
	if score != score && r.Check != nil {
		s.err = cmp.Or(s.err, r.Check(row))
	}
}

// rescore empties the waiting list into the best matches.
func (s *scorer) rescore(l *shortlist, q []float32) {
	h := l.waiting
	for i := len(h)/2 - 1; i >= 0; i-- {
		siftDown(h, i, before)
	}
	// The rows lie anywhere in memory: the next few are fetched meanwhile.
	var coming [ahead]candidate
	taken, scored := 0, 0
	for {
		if len(h) > 0 && taken-scored < ahead && h[0].upper >= l.least() {
			c := h[0]
			h[0] = h[len(h)-1]
			h = h[:len(h)-1]
			siftDown(h, 0, before)
			coming[taken%ahead] = c
			taken++
			if p := &s.parts[c.part]; p.Read == nil {
				s.kernels.PrefetchVector(p.Vector(int(c.row)))
			}
			continue
		}
		if scored == taken {
			break
		}
		c := coming[scored%ahead]
		scored++
		s.offer(l, q, int(c.part), int(c.row))
	}
	l.waiting = l.waiting[:0]
}

// check returns an error where the score of a match is not likely by its code (see
// column.Query.CheckScore).
func (s *scorer) check(q *column.Query, matches []column.Match) error {
	for _, m := range matches {
		p := &s.parts[m.Part]
		if p.Codes == nil || p.Check == nil {
			continue
		}
		s.kernels.DotRowsInt8(s.dot[:], q.Code, p.Code(m.Row), len(q.Code))
		if err := q.CheckScore(p.Rows, m.Row, m.Score, float32(s.dot[0])*(q.Scale*p.Scales[m.Row])); err != nil {
			return err
		}
	}
	return nil
}
