// Package matrix checks and converts the float32 matrices that scan and eval
// take: blas32.General, row-major, one trial or one image a row.
package matrix

import (
	"context"
	"fmt"

	"engram/embed"

	"gonum.org/v1/gonum/blas/blas32"
)

// Names says in an error what the matrix holds and what its rows and columns
// are: {"voxels", "trial", "voxel"}.
type Names struct{ Matrix, Row, Col string }

// Check returns an error where m is empty, where its Data does not hold what
// its sizes say, or, wrapping embed.ErrNotFinite, where an element is NaN or
// infinite. Rows and columns are counted from zero.
func Check(m blas32.General, n Names) error { return CheckUntil(context.Background(), m, n) }

// CheckUntil is Check for large matrices: it returns the context's error where ctx ends
// first.
func CheckUntil(ctx context.Context, m blas32.General, n Names) error {
	if m.Rows < 1 || m.Cols < 1 {
		return fmt.Errorf("%s: wanted at least one %s and one %s, found %d×%d", n.Matrix, n.Row, n.Col, m.Rows, m.Cols)
	}
	if m.Stride < m.Cols || (len(m.Data)-m.Cols)/m.Stride < m.Rows-1 || len(m.Data) < m.Cols {
		return fmt.Errorf("%s: %d×%d elements with a stride of %d do not fit into a slice of %d",
			n.Matrix, m.Rows, m.Cols, m.Stride, len(m.Data))
	}
	for i := range m.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if j := embed.FirstNotFinite(Row(m, i)); j >= 0 {
			return fmt.Errorf("%s: %s %d, %s %d is %v: %w", n.Matrix, n.Row, i, n.Col, j, Row(m, i)[j], embed.ErrNotFinite)
		}
	}
	return nil
}

// Row returns row i without copying it.
func Row(m blas32.General, i int) []float32 {
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// New returns a matrix of zeros.
func New(rows, cols int) blas32.General {
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
}

// Clone returns a copy of m without gaps between its rows.
func Clone(m blas32.General) blas32.General {
	out := New(m.Rows, m.Cols)
	for i := range m.Rows {
		copy(Row(out, i), Row(m, i))
	}
	return out
}

// Pick returns a copy of the rows of m in the given order.
func Pick(m blas32.General, rows []int) blas32.General {
	out := New(len(rows), m.Cols)
	for i, row := range rows {
		copy(Row(out, i), Row(m, row))
	}
	return out
}

// Part returns the rows from ≤ i < to of m without copying them.
func Part(m blas32.General, from, to int) blas32.General {
	return blas32.General{Rows: to - from, Cols: m.Cols, Stride: m.Stride, Data: m.Data[from*m.Stride:]}
}

// ColMeans returns the mean of every column. A column of one value has exactly
// this value as its mean. It returns the context's error where ctx ends first.
func ColMeans(ctx context.Context, m blas32.General) ([]float64, error) {
	mean := make([]float64, m.Cols)
	for i := range m.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		share := 1 / float64(i+1)
		for j, x := range Row(m, i) {
			mean[j] += (float64(x) - mean[j]) * share
		}
	}
	return mean, nil
}
