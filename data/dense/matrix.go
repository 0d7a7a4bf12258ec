package dense

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas/blas32"
)

// Float is the element of a matrix.
type Float interface{ float32 | float64 }

// Matrix is a matrix whose element (i, j) is Data[i*RowStep+j*ColStep], so that a
// transpose shares its elements.
type Matrix[T Float] struct {
	Rows, Cols       int
	RowStep, ColStep int
	Data             []T
}

// New returns a matrix of zeros, row by row.
func New[T Float](rows, cols int) Matrix[T] {
	return Matrix[T]{Rows: rows, Cols: cols, RowStep: cols, ColStep: 1, Data: make([]T, rows*cols)}
}

// Of returns a matrix of gonum's, which it shares.
func Of(m blas32.General) Matrix[float32] {
	return Matrix[float32]{Rows: m.Rows, Cols: m.Cols, RowStep: m.Stride, ColStep: 1, Data: m.Data}
}

// T returns the transpose, which shares its elements.
func (m Matrix[T]) T() Matrix[T] {
	return Matrix[T]{Rows: m.Cols, Cols: m.Rows, RowStep: m.ColStep, ColStep: m.RowStep, Data: m.Data}
}

// Slice returns rows from i to k and columns from j to l, which it shares.
func (m Matrix[T]) Slice(i, k, j, l int) Matrix[T] {
	s := Matrix[T]{Rows: k - i, Cols: l - j, RowStep: m.RowStep, ColStep: m.ColStep}
	if s.Rows > 0 && s.Cols > 0 {
		s.Data = m.Data[i*m.RowStep+j*m.ColStep:]
	}
	return s
}

// Row returns row i of a matrix whose rows lie in one piece.
func (m Matrix[T]) Row(i int) []T { return m.Data[i*m.RowStep : i*m.RowStep+m.Cols] }

// At returns element (i, j).
func (m Matrix[T]) At(i, j int) T { return m.Data[i*m.RowStep+j*m.ColStep] }

// parallel calls do for each of n blocks on all processors, and stops at an error
// and where ctx ends.
func parallel(ctx context.Context, n int, do func(block int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for block := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			do(block)
			return nil
		})
	}
	return group.Wait()
}
