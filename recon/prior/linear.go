package prior

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"engram/embed"
)

// Linear is a linear alignment: an affine map of all T·D elements of predicted tokens,
// fitted by ridge regression. What is regressed is the error of the prediction, so that
// with few pairs tokens stay as they were predicted, but for the mean error.
type Linear struct {
	tokens, dim int
	mean        []float32      // of the predictions, [T·D]
	shift       []float32      // mean error of the predictions, [T·D]
	predicted   blas32.General // without their mean, [pairs, T·D]
	weights     blas32.General // of the pairs, (K + λI)⁻¹·(errors without their mean), [pairs, T·D]
	// Penalty is λ over the mean squared length of the predictions without their mean.
	Penalty float64
}

// penalties are the values of Penalty that are tried.
var penalties = [...]float64{.03, .1, .3, 1, 3, 10, 100}

// FitLinear fits an alignment to pairs: predicted tokens and the tokens of what was seen.
// There must be 3 pairs or more, all of one T and D. The penalty is the one whose error is the
// least where each pair in turn is left out (in closed form: Allen 1974, Technometrics 16).
func FitLinear(ctx context.Context, predicted, seen []embed.Tokens) (*Linear, error) {
	if len(predicted) != len(seen) || len(predicted) < 3 {
		return nil, fmt.Errorf("prior: wanted 3 pairs or more, found %d predictions and %d images", len(predicted), len(seen))
	}
	l := &Linear{tokens: predicted[0].T, dim: predicted[0].D}
	for i := range predicted {
		if err := errors.Join(l.check(predicted[i]), l.check(seen[i])); err != nil {
			return nil, fmt.Errorf("prior: pair %d: %w", i, err)
		}
	}
	misses := rows(seen)
	l.predicted = rows(predicted)
	for i, p := range l.predicted.Data {
		misses.Data[i] -= p
	}
	l.mean, l.shift = centre(l.predicted), centre(misses)
	n := len(predicted)
	gram := blas32.General{Rows: n, Cols: n, Stride: n, Data: make([]float32, n*n)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, l.predicted, l.predicted, 0, gram)
	kernel := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			kernel.SetSym(i, j, float64(gram.Data[i*n+j]))
		}
	}
	scale := mat.Trace(kernel) / float64(n)
	if scale == 0 {
		return nil, errors.New("prior: all predictions are the same")
	}
	least := math.Inf(1)
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		weights, leftOut, err := solve(kernel, penalty*scale, misses)
		if err != nil {
			return nil, fmt.Errorf("prior: penalty %g: %w", penalty, err)
		}
		if leftOut < least {
			least, l.weights, l.Penalty = leftOut, weights, penalty
		}
	}
	return l, nil
}

// solve returns W = (K + λI)⁻¹·Y and the mean squared error of the pairs, each left out:
// its residual is W over the diagonal of the inverse.
func solve(kernel *mat.SymDense, lambda float64, y blas32.General) (w blas32.General, leftOut float64, err error) {
	n := kernel.SymmetricDim()
	regular := mat.NewSymDense(n, nil)
	regular.CopySym(kernel)
	for i := range n {
		regular.SetSym(i, i, kernel.At(i, i)+lambda)
	}
	var chol mat.Cholesky
	if !chol.Factorize(regular) {
		return w, 0, errors.New("the predictions' inner products are not positive definite")
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return w, 0, err
	}
	full := blas32.General{Rows: n, Cols: n, Stride: n, Data: make([]float32, n*n)}
	for i := range n {
		for j := range n {
			full.Data[i*n+j] = float32(inverse.At(i, j))
		}
	}
	w = blas32.General{Rows: n, Cols: y.Cols, Stride: y.Cols, Data: make([]float32, n*y.Cols)}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, full, y, 0, w)
	for i := range n {
		own := inverse.At(i, i)
		for _, x := range w.Data[i*w.Stride:][:w.Cols] {
			leftOut += float64(x) / own * float64(x) / own / float64(len(w.Data))
		}
	}
	return w, leftOut, nil
}

// Align returns the tokens that images are most likely to have where these were predicted.
func (l *Linear) Align(predicted []embed.Tokens) ([]embed.Tokens, error) {
	for i, p := range predicted {
		if err := l.check(p); err != nil {
			return nil, fmt.Errorf("prior: prediction %d: %w", i, err)
		}
	}
	if len(predicted) == 0 {
		return nil, nil
	}
	x := rows(predicted)
	out := rows(predicted)
	for i := range x.Data {
		x.Data[i] -= l.mean[i%x.Cols]
		out.Data[i] += l.shift[i%x.Cols]
	}
	n := l.predicted.Rows
	similar := blas32.General{Rows: x.Rows, Cols: n, Stride: n, Data: make([]float32, x.Rows*n)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, x, l.predicted, 0, similar)
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, similar, l.weights, 1, out)
	aligned := make([]embed.Tokens, len(predicted))
	for i := range aligned {
		aligned[i] = embed.Tokens{T: l.tokens, D: l.dim, Data: out.Data[i*out.Cols:][:out.Cols]}
	}
	return aligned, nil
}

func (l *Linear) check(t embed.Tokens) error {
	if t.T != l.tokens || t.D != l.dim || len(t.Data) != t.T*t.D {
		return fmt.Errorf("tokens are %d×%d (%d elements), wanted %d×%d", t.T, t.D, len(t.Data), l.tokens, l.dim)
	}
	if at := embed.FirstNotFinite(t.Data); at >= 0 {
		return fmt.Errorf("element %d is %v: %w", at, t.Data[at], embed.ErrNotFinite)
	}
	return nil
}

// rows copies tokens into a matrix, [n, T·D].
func rows(list []embed.Tokens) blas32.General {
	width := len(list[0].Data)
	m := blas32.General{Rows: len(list), Cols: width, Stride: width, Data: make([]float32, 0, len(list)*width)}
	for _, t := range list {
		m.Data = append(m.Data, t.Data...)
	}
	return m
}

// centre takes the mean of the rows away and returns it.
func centre(m blas32.General) []float32 {
	sums := make([]float64, m.Cols)
	for i, x := range m.Data {
		sums[i%m.Cols] += float64(x)
	}
	mean := make([]float32, m.Cols)
	for k, s := range sums {
		mean[k] = float32(s / float64(m.Rows))
	}
	for i := range m.Data {
		m.Data[i] -= mean[i%m.Cols]
	}
	return mean
}
