package scan

import (
	"errors"
	"fmt"
	"math"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/mat"
)

// gaussian is a normal model of the scores p that the ridge predicts from one trial
// of an image whose true scores are z:
//
//	p = A·z + b + e + f
//
// The error e is the trial's own and averages out over repeats; f is the same in
// all repeats of an image. The logarithm of p's density is, up to what all images
// have in common, an inner product of p with a linear map of z and an offset of z.
type gaussian struct {
	slope *mat.Dense // A, [rank, rank]
	bias  []float64  // b, [rank]
	total *mat.Dense // covariance of e + f, [rank, rank]
	trial *mat.Dense // covariance of e; zeros where no image repeats
	least float64    // variance that every error has at least, so that a perfect decoder has a likelihood too
}

// gaussianShape says how far the model is shrunk towards one of independent
// components.
type gaussianShape struct {
	// divisor of the components that there are: the leading ones are compared.
	divisor int
	// penalty on the squared differences between A and the diagonal matrix of each
	// component's own slope, as a share of the mean variance of a score; infinity
	// leaves the diagonal matrix.
	penalty float64
	// shrinkage of the covariances towards their diagonals: 0 leaves them, 1 leaves
	// the diagonals (Ledoit & Wolf 2004, J Multivariate Anal 88, with a target that
	// keeps each variance).
	shrinkage float64
}

// rank returns how many of the components are compared.
func (s gaussianShape) rank(components int) int { return max(1, components/s.divisor) }

// String says the shape in a report.
func (s gaussianShape) String() string {
	components, slopes := "all components", "each component's own slope"
	if s.divisor > 1 {
		components = fmt.Sprintf("the leading 1/%d of the components", s.divisor)
	}
	if !math.IsInf(s.penalty, 1) {
		slopes = fmt.Sprintf("slope penalty %g", s.penalty)
	}
	return fmt.Sprintf("%s, %s, covariance shrinkage %g", components, slopes, s.shrinkage)
}

// newGaussian fits the model to the sums of left-out predictions of some images. The
// covariance of the residuals is divided by (1 − h)², h being the share of the degrees
// of freedom that the slopes use up: new images are predicted worse than the images
// that the slopes were fitted to (generalised cross-validation; Golub, Heath & Wahba
// 1979, Technometrics 21).
func newGaussian(m *scoreMoments, rank int, penalty float64) (*gaussian, error) {
	r := rank
	zz, zp, pp := m.covariances(r)
	a, used, err := slope(zz, zp, penalty)
	if err != nil {
		return nil, err
	}
	g := &gaussian{slope: a, bias: make([]float64, r), total: new(mat.Dense), trial: mat.NewDense(r, r, nil)}
	// The covariance of an image's mean residual: pp − A·zp − (A·zp)ᵀ + A·zz·Aᵀ.
	var azp, azza, residual mat.Dense
	azp.Mul(a, zp)
	azza.Product(a, zz, a.T())
	residual.Sub(pp, &azp)
	residual.Sub(&residual, azp.T())
	residual.Add(&residual, &azza)
	open := 1 - min((1+used)/m.images, mostUsed)
	residual.Scale(1/(open*open), &residual)
	if m.freedom > 0 {
		g.trial.Scale(1/m.freedom, leading(m.within, r, r))
	}
	if g.least = leastVariance * mat.Trace(pp) / float64(r); !(g.least > 0) {
		g.least = leastVariance
	}
	g.total.Scale(1-m.inverse/m.images, g.trial)
	g.total.Add(g.total, &residual)
	g.pool(zz, zp, pp, m)
	for k := range r {
		g.bias[k] = m.p.At(0, k) / m.images
		for j := range r {
			g.bias[k] -= a.At(k, j) * m.z.At(0, j) / m.images
		}
	}
	return g, nil
}

// mostUsed bounds the share of the degrees of freedom that slopes are taken to use up.
const mostUsed = .9

// slope returns A of the regression of predictions on scores: each component's own
// slope, and, unless the penalty is infinite, what a ridge regression of the rest
// adds. used is how many degrees of freedom that ridge regression has.
func slope(zz, zp *mat.Dense, penalty float64) (a *mat.Dense, used float64, err error) {
	r, _ := zz.Dims()
	own := make([]float64, r)
	for k := range r {
		own[k] = ownSlope(zz, zp, k)
	}
	variance := mat.Trace(zz) / float64(r)
	diagonal := mat.NewDiagDense(r, own)
	if math.IsInf(penalty, 1) {
		return mat.DenseCopyOf(diagonal), 0, nil
	}
	if variance == 0 {
		return nil, 0, errors.New("gaussian decoder: the scores of all images are the same")
	}
	gram := symmetric(zz)
	for k := range r {
		gram.SetSym(k, k, gram.At(k, k)+penalty*variance)
	}
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return nil, 0, fmt.Errorf("gaussian decoder: the scores' covariance is %w", ErrSingular)
	}
	var rest, more, out mat.Dense // rest is zp − zz·diagonal
	rest.Mul(zz, diagonal)
	rest.Sub(zp, &rest)
	if err := chol.SolveTo(&more, &rest); err != nil {
		return nil, 0, fmt.Errorf("gaussian decoder: %w", err)
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return nil, 0, fmt.Errorf("gaussian decoder: %w", err)
	}
	out.Add(diagonal, more.T())
	return &out, float64(r) - penalty*variance*mat.Trace(&inverse), nil
}

// leastVariance is the least variance of an error, as a share of the mean variance of
// a prediction.
const leastVariance = 1e-6

// shrink returns (1−γ)S + γ·diag(S) + least·I.
func shrink(s *mat.Dense, shrinkage, least float64) *mat.SymDense {
	out := symmetric(s)
	r := out.SymmetricDim()
	for i := range r {
		for j := i + 1; j < r; j++ {
			out.SetSym(i, j, (1-shrinkage)*out.At(i, j))
		}
		out.SetSym(i, i, out.At(i, i)+least)
	}
	return out
}

// symmetric returns the mean of a matrix and its transpose.
func symmetric(m *mat.Dense) *mat.SymDense {
	r, _ := m.Dims()
	out := mat.NewSymDense(r, nil)
	for i := range r {
		for j := i; j < r; j++ {
			out.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
		}
	}
	return out
}

// leastFixed is the least share of the error of one trial that does not average
// out: no number of repeats makes a decoder certain.
const leastFixed = 1e-3

// mapping returns the metric of rank components that the model is, for the mean of
// any number of scans. The coordinates are where both covariances are diagonal: with
// total = LLᵀ and L⁻¹·trial·L⁻ᵀ = V·diag(t)·Vᵀ they are VᵀL⁻¹(p − b), in which e has
// the variance t and f 1 − t.
func (g *gaussian) mapping(rank int, shrinkage float64) (*mapping, error) {
	inverse, err := g.whitening(shrinkage)
	if err != nil {
		return nil, err
	}
	var white, vectors, to mat.Dense
	white.Product(inverse, shrink(g.trial, shrinkage, 0), inverse.T())
	var eigen mat.EigenSym
	if !eigen.Factorize(symmetric(&white), true) {
		return nil, errors.New("gaussian decoder: the eigendecomposition of the residuals' covariance did not converge")
	}
	eigen.VectorsTo(&vectors)
	to.Mul(vectors.T(), inverse)
	m := g.mapped(&to, rank)
	for c, t := range eigen.Values(nil) {
		t = min(max(t, 0), 1-leastFixed)
		m.trial[c], m.fixed[c] = float32(t), float32(1-t)
	}
	return m, nil
}

// single returns the metric for predictions from single trials alone, which needs no
// eigendecomposition.
func (g *gaussian) single(rank int, shrinkage float64) (*mapping, error) {
	inverse, err := g.whitening(shrinkage)
	if err != nil {
		return nil, err
	}
	m := g.mapped(inverse, rank)
	for c := range m.fixed {
		m.fixed[c] = 1
	}
	return m, nil
}

// whitening returns L⁻¹ of the shrunk covariance LLᵀ of a trial's errors.
func (g *gaussian) whitening(shrinkage float64) (*mat.TriDense, error) {
	var chol mat.Cholesky
	if !chol.Factorize(shrink(g.total, shrinkage, g.least)) {
		return nil, fmt.Errorf("gaussian decoder: the residuals' covariance is %w", ErrSingular)
	}
	var lower, inverse mat.TriDense
	chol.LTo(&lower)
	if err := inverse.InverseTri(&lower); err != nil {
		return nil, fmt.Errorf("gaussian decoder: %w", err)
	}
	return &inverse, nil
}

// mapped returns the metric without variances whose coordinates are a linear map,
// [K, rank of the model], of p − b and of A·z.
func (g *gaussian) mapped(to mat.Matrix, rank int) *mapping {
	n := len(g.bias)
	m := &mapping{
		likelihood: true, item: matrix.New(rank, n), query: matrix.New(rank, n),
		shift: make([]float32, n), fixed: make([]float32, n), trial: make([]float32, n),
	}
	var item mat.Dense
	item.Mul(to, g.slope)
	for c := range n {
		var shift float64
		for r := range n {
			m.query.Data[r*n+c], m.item.Data[r*n+c] = float32(to.At(c, r)), float32(item.At(c, r))
			shift -= to.At(c, r) * g.bias[r]
		}
		m.shift[c] = float32(shift)
	}
	return m
}
