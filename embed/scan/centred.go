package scan

import (
	"engram/data/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// centredRows are rows of a matrix less the mean of every column, and scaled. They
// are computed part by part: no copy of the matrix is kept.
type centredRows struct {
	x     blas32.General
	order []int     // the rows of x
	mean  []float64 // [columns]
	scale []float32 // of each column, multiplied after the mean is taken away; nil: none
}

// span is a part of a matrix: rows from ≤ i < to, and columns from firstCol to
// before endCol.
type span struct{ from, to, firstCol, endCol int }

// centred computes a part in a buffer that the next call may use again.
func centred[T dense.Float](c centredRows, s span, buffer *[]T) dense.Matrix[T] {
	m := reuse(buffer, s.to-s.from, s.endCol-s.firstCol)
	mean := c.mean[s.firstCol:s.endCol]
	for i := range m.Rows {
		to := m.Row(i)
		row := matrix.Row(c.x, c.order[s.from+i])[s.firstCol:s.endCol]
		if c.scale == nil {
			for j, x := range row {
				to[j] = T(float64(x) - mean[j])
			}
			continue
		}
		for j, scale := range c.scale[s.firstCol:s.endCol] {
			to[j] = T((float64(row[j]) - mean[j]) * float64(scale))
		}
	}
	return m
}

// reuse returns a matrix in a buffer, which grows where it is too small. What is in
// it is left over from its last use.
func reuse[T dense.Float](buffer *[]T, rows, cols int) dense.Matrix[T] {
	if cap(*buffer) < rows*cols {
		*buffer = make([]T, rows*cols)
	}
	return dense.Matrix[T]{Rows: rows, Cols: cols, RowStep: cols, ColStep: 1, Data: (*buffer)[:rows*cols]}
}
