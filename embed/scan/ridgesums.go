package scan

import (
	"context"
	"fmt"

	"engram/data/dense"
)

// singleFlops is how many operations the products of voxels may take before they
// are computed in float32. Then a sum over sumDepth products is in float32, and
// the sums of these are in float64: an element of a Gram matrix has an error of
// some 1e-7 of the mean squared length of a trial. The λ of the grid's middle is
// that length, so predictions move by some 1e-6 of their size, and at the least λ
// of the grid by 1e-3.
const (
	singleFlops = 2e10
	sumDepth    = 2048
)

// problem is one ridge regression.
type problem struct {
	*solver
	y  centredRows           // [trials, D], the targets in the solver's order
	xy dense.Matrix[float64] // XᵀY, [V, D], where primal

	// Buffers of what is computed for each λ again.
	solution, last, residuals, roots, rows []float64
}

// sum computes XᵀY where it is needed, and the Gram matrix unless a regression before
// has done so.
func (p *problem) sum(ctx context.Context) error {
	grams := !p.summed()
	if !grams && !p.primal {
		return nil
	}
	n := min(p.x.Rows, p.x.Cols)
	gram := p.gram
	if grams {
		gram = dense.New[float64](n, n)
	}
	if p.primal {
		p.xy = dense.New[float64](n, p.y.x.Cols)
	}
	add := sumPieces[float64]
	if p.single {
		add = sumPieces[float32]
	}
	if err := add(ctx, p, gram); err != nil || !grams {
		return err
	}
	p.gram, p.diagonal = gram, make([]float64, n)
	for i := range n {
		p.diagonal[i] = gram.At(i, i)
	}
	return nil
}

// sumPieces adds the products of some columns of X, or of some rows where p is
// primal. It leaves a Gram matrix that there is already.
func sumPieces[T dense.Float](ctx context.Context, p *problem, gram dense.Matrix[float64]) error {
	long := max(p.x.Rows, p.x.Cols)
	var piece []T
	for from := 0; from < long; from += sumDepth {
		to := min(from+sumDepth, long)
		part := span{0, p.x.Rows, from, to}
		if p.primal {
			part = span{from, to, 0, p.x.Cols}
		}
		x := centred(p.centredRows, part, &piece)
		if p.primal {
			if err := addXY(ctx, p, x, from); err != nil {
				return err
			}
			x = x.T()
		}
		if p.summed() {
			continue
		}
		if err := dense.Accumulate(ctx, gram, x, x.T(), dense.Upper); err != nil {
			return err
		}
		p.meter.add(float64(x.Rows) * float64(x.Rows) * float64(x.Cols))
	}
	return nil
}

// addXY adds XᵀY of some trials.
func addXY[T dense.Float](ctx context.Context, p *problem, x dense.Matrix[T], from int) error {
	var buffer []T
	y := centred(p.y, span{from, from + x.Rows, 0, p.y.x.Cols}, &buffer)
	p.meter.add(2 * float64(x.Rows) * float64(x.Cols) * float64(y.Cols))
	return dense.Accumulate(ctx, p.xy, x.T(), y, dense.Whole)
}

// converted returns m with elements of another precision, row by row, in a buffer.
func converted[T dense.Float](m dense.Matrix[float64], buffer *[]T) dense.Matrix[T] {
	out := reuse(buffer, m.Rows, m.Cols)
	for i := range m.Rows {
		to := out.Row(i)
		for j, x := range m.Row(i) {
			to[j] = T(x)
		}
	}
	return out
}

func notPositive(lambda float64) error {
	return fmt.Errorf("ridge: the voxels' Gram matrix plus λ = %g is %w; raise λ", lambda, ErrSingular)
}
