package flat

import (
	"math/bits"
	"slices"

	"engram/index/internal/column"
)

// denseRows is how many rows of a block may be matches before all of its rows are
// compared: reading rows in sequence is about twice as fast for each.
const denseRows = blockRows / 2

// scanPossible is scanCodes for the rows lo to hi of a part that are possible (see
// column.Part). Where they are few it reads no others.
func (s *scanner) scanPossible(part, lo, hi int) {
	p := s.run.parts[part]
	words := p.Possible[lo/64 : (hi+63)/64] // blocks begin at multiples of 64
	n := words.Count()
	if n == 0 {
		return
	}
	if n > denseRows {
		s.scanCodes(part, lo, hi)
		return
	}
	s.rows = s.rows[:0]
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			s.rows = append(s.rows, uint32(lo+64*w+bits.TrailingZeros64(word)))
		}
	}
	s.least()
	scores := s.scores[:len(s.rows)]
	s.run.kernels.ScoreGathered(scores, s.code(column.CodeStride(p.Dim)), p.Codes, p.Scales, s.rows)
	for i, row := range s.rows {
		s.consider(part, int(row), scores[i])
	}
}

// code returns the code of the query, padded with zeros to stride.
func (s *scanner) code(stride int) []int8 {
	s.padded = slices.Grow(s.padded[:0], stride)[:stride]
	clear(s.padded[copy(s.padded, s.query.Code):])
	return s.padded
}

// consider takes a possible row into account whose code has the inner product score with
// the query's, times the row's scale.
func (s *scanner) consider(part, row int, score float32) {
	p, q := &s.run.parts[part], &s.query
	upper := score*q.Scale + q.Slope*p.Residuals[row] + q.Offset
	switch {
	case upper < s.shortlist.limit.load():
	case s.choose[part] == nil:
		s.wait(candidate{upper: upper, part: int32(part), row: int32(row)})
	case s.takes(part, row): // asking the filter costs more than scoring
		s.offer(&s.shortlist, q.Vector, part, row)
		s.least()
	}
}
