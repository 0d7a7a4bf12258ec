package scan

import (
	"engram/embed/internal/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// centredRows are rows of a matrix less the mean of every column, which are
// computed part by part: no copy of the matrix is kept.
type centredRows struct {
	x     blas32.General
	order []int     // the rows of x
	mean  []float64 // [columns]
}

// span is a part of a matrix: rows from ≤ i < to, and columns from firstCol to
// before endCol.
type span struct{ from, to, firstCol, endCol int }

// centred computes a part in a buffer that the next call may use again.
func centred[T dense.Float](c centredRows, s span, buffer *[]T) dense.Matrix[T] {
	m := dense.Matrix[T]{Rows: s.to - s.from, Cols: s.endCol - s.firstCol, RowStep: s.endCol - s.firstCol, ColStep: 1}
	if size := m.Rows * m.Cols; cap(*buffer) < size {
		*buffer = make([]T, size)
	}
	m.Data = (*buffer)[:m.Rows*m.Cols]
	mean := c.mean[s.firstCol:s.endCol]
	for i := range m.Rows {
		to := m.Row(i)
		for j, x := range matrix.Row(c.x, c.order[s.from+i])[s.firstCol:s.endCol] {
			to[j] = T(float64(x) - mean[j])
		}
	}
	return m
}
