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

// Linear is a linear alignment: an affine map of predicted scores along the components of
// the targets, fitted by ridge regression. What is regressed is the error of the prediction,
// so that with few pairs scores stay as they were predicted, but for the mean error.
type Linear struct {
	Weight blas32.General // [Rank, Rank]
	Bias   []float32      // [Rank]
	// Penalty is λ over the mean squared length of the predictions without their mean.
	Penalty float64
}

// penalties are the values of Penalty that are tried.
var penalties = [...]float64{.03, .1, .3, 1, 3, 10, 100}

// FitLinear fits an alignment to pairs: predicted scores and the scores of what was seen,
// [n, Rank] each with n of 3 or more. The penalty is the one whose error is the least where
// each pair in turn is left out (in closed form: Allen 1974, Technometrics 16).
func FitLinear(ctx context.Context, predicted, seen blas32.General) (*Linear, error) {
	if predicted.Rows != seen.Rows || predicted.Cols != seen.Cols || predicted.Rows < 3 {
		return nil, fmt.Errorf("prior: wanted 3 pairs of scores or more, found predictions of %d×%d and images of %d×%d",
			predicted.Rows, predicted.Cols, seen.Rows, seen.Cols)
	}
	for name, m := range map[string]blas32.General{"predictions": predicted, "images": seen} {
		if at := embed.FirstNotFinite(m.Data); at >= 0 {
			return nil, fmt.Errorf("prior: element %d of pair %d of the %s is %v: %w", at%m.Stride, at/m.Stride, name, m.Data[at], embed.ErrNotFinite)
		}
	}
	x, misses := cloned(predicted), cloned(seen)
	for i, p := range x.Data {
		misses.Data[i] -= p
	}
	mean, shift := centre(x), centre(misses)
	f, err := decompose(x, misses)
	if err != nil {
		return nil, err
	}
	least, best := math.Inf(1), 0.
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if leftOut := f.leftOut(penalty); leftOut < least {
			least, best = leftOut, penalty
		}
	}
	l := &Linear{Weight: f.weights(best), Bias: shift, Penalty: best}
	for k := range l.Bias { // shift − mean·W
		for j, m := range mean {
			l.Bias[k] -= m * l.Weight.Data[j*l.Weight.Stride+k]
		}
		l.Weight.Data[k*l.Weight.Stride+k]++ // to what was predicted
	}
	return l, nil
}

// decomposition is a ridge regression of y on x along the eigenvectors of xᵀx, in which
// every penalty is a division.
type decomposition struct {
	values  []float64      // eigenvalues of xᵀx
	vectors blas32.General // [Rank, Rank], in columns
	x       blas32.General // [n, Rank], along the eigenvectors
	y       blas32.General // [n, Rank]
	xy      blas32.General // [Rank, Rank], along the eigenvectors
	scale   float64        // mean squared length of a row of x
}

// decompose prepares the regression of y on x, both without their mean.
func decompose(x, y blas32.General) (*decomposition, error) {
	r := x.Cols
	gram := product(blas.Trans, x, x)
	sym := mat.NewSymDense(r, nil)
	for i := range r {
		for j := i; j < r; j++ {
			sym.SetSym(i, j, float64(gram.Data[i*r+j]))
		}
	}
	f := &decomposition{y: y, scale: mat.Trace(sym) / float64(x.Rows)}
	if f.scale == 0 {
		f.scale = 1 // all predictions are the same, and every penalty leaves the mean error alone
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(sym, true) {
		return nil, errors.New("prior: the eigendecomposition of the predictions did not converge")
	}
	f.values = eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	f.vectors = blas32.General{Rows: r, Cols: r, Stride: r, Data: make([]float32, r*r)}
	for i, v := range vectors.RawMatrix().Data {
		f.vectors.Data[i] = float32(v)
	}
	f.x = product(blas.NoTrans, x, f.vectors)
	f.xy = product(blas.Trans, f.x, y)
	return f, nil
}

// shrunk returns (xᵀx + λ)⁻¹xᵀy along the eigenvectors.
func (f *decomposition) shrunk(penalty float64) blas32.General {
	out := cloned(f.xy)
	for j := range out.Rows {
		row := out.Data[j*out.Stride:][:out.Cols]
		blas32.Scal(float32(f.factor(j, penalty)), blas32.Vector{N: len(row), Inc: 1, Data: row})
	}
	return out
}

// factor returns 1/(s + λ) of an eigenvalue s.
func (f *decomposition) factor(j int, penalty float64) float64 {
	return 1 / (max(f.values[j], 0) + penalty*f.scale)
}

// leftOut returns the mean squared error of the pairs, each left out: its residual over 1
// less its own weight in the fit.
func (f *decomposition) leftOut(penalty float64) (mean float64) {
	fit := product(blas.NoTrans, f.x, f.shrunk(penalty))
	for i := range fit.Rows {
		own := 1 / float64(fit.Rows)
		for j, x := range f.x.Data[i*f.x.Stride:][:f.x.Cols] {
			own += float64(x) * float64(x) * f.factor(j, penalty)
		}
		for k, p := range fit.Data[i*fit.Stride:][:fit.Cols] {
			miss := float64(f.y.Data[i*f.y.Stride+k]-p) / max(1-own, 1e-6)
			mean += miss * miss / float64(len(fit.Data))
		}
	}
	return mean
}

// weights returns the weights in the coordinates of the scores.
func (f *decomposition) weights(penalty float64) blas32.General {
	return product(blas.NoTrans, f.vectors, f.shrunk(penalty))
}

// Align returns the scores that images are most likely to have where these were predicted,
// [n, Rank].
func (l *Linear) Align(predicted blas32.General) (blas32.General, error) {
	if predicted.Cols != l.Weight.Rows {
		return blas32.General{}, fmt.Errorf("prior: predictions have %d scores, the alignment wants %d", predicted.Cols, l.Weight.Rows)
	}
	out := product(blas.NoTrans, predicted, l.Weight)
	for i := range out.Data {
		out.Data[i] += l.Bias[i%out.Cols]
	}
	return out, nil
}

// product returns a·b, a transposed where it is said so.
func product(ta blas.Transpose, a, b blas32.General) blas32.General {
	rows := a.Rows
	if ta == blas.Trans {
		rows = a.Cols
	}
	out := blas32.General{Rows: rows, Cols: b.Cols, Stride: b.Cols, Data: make([]float32, rows*b.Cols)}
	blas32.Gemm(ta, blas.NoTrans, 1, a, b, 0, out)
	return out
}

// cloned copies a matrix, without what lies between its rows.
func cloned(m blas32.General) blas32.General {
	out := blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Cols, Data: make([]float32, 0, m.Rows*m.Cols)}
	for i := range m.Rows {
		out.Data = append(out.Data, m.Data[i*m.Stride:][:m.Cols]...)
	}
	return out
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
