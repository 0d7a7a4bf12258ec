package flat

import (
	"math/bits"

	"engram/index/internal/column"
)

// denseRows is how many rows of a block may be matches before all of its rows are
// compared: reading rows in sequence is about three times as fast for each.
const denseRows = blockRows / 4

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
	stride := column.CodeStride(p.Dim)
	dots := s.dots[:hi-lo]
	s.least()
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			i := 64*w + bits.TrailingZeros64(word)
			s.run.kernels.DotRowsInt8(dots[i:i+1], s.query.Code, p.Codes[(lo+i)*stride:(lo+i+1)*stride], stride)
			s.consider(part, lo+i, dots[i])
		}
	}
}

// consider takes a possible row into account whose code has the inner product dot with
// the query's.
func (s *scanner) consider(part, row int, dot int32) {
	p, q := &s.run.parts[part], &s.query
	upper := float32(dot)*(q.Scale*p.Scales[row]) + q.Slope*p.Residuals[row] + q.Offset
	switch {
	case upper < s.shortlist.limit.load():
	case s.choose[part] == nil:
		s.wait(candidate{upper: upper, part: int32(part), row: int32(row)})
	case s.takes(part, row): // asking the filter costs more than scoring
		s.offer(&s.shortlist, q.Vector, part, row)
		s.least()
	}
}
