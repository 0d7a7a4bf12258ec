package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"engram/embed"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// firstStage maps a prediction to the vector of the index's space by whose cosine the
// seen image ranks best: scores along the components, less their mean, times a matrix.
// The matrix is a ridge regression from left-out predictions to the vectors of the
// training images, times a power of the inverse of these vectors' covariance.
type firstStage struct {
	parts  *components    // of an open decoder
	weight blas32.General // [rank, D]
	bias   []float32      // [D]
}

// firstStagePowers are the powers of the inverse covariance that are tried. 0 leaves
// the regression; 1 would whiten the vectors of query and image together.
func firstStagePowers() []float64 { return []float64{0, .25, .5, .75, 1} }

const (
	// firstStageRidge is the regression's penalty as a share of the mean variance of a
	// predicted score. A tenth and ten times of it rank alike (NOTES.md).
	firstStageRidge = .01
	// leastEigenvalue bounds what whitening divides by, as a share of the largest.
	leastEigenvalue = 1e-4
)

// query returns the unit vector of predicted scores, [rank].
func (f *firstStage) query(scores []float32) (embed.Vector, error) {
	q := slices.Clone(f.bias)
	blas32.Gemv(blas.Trans, 1, f.weight, blas32.Vector{N: len(scores), Inc: 1, Data: scores}, 1, blas32.Vector{N: len(q), Inc: 1, Data: q})
	return q, embed.Normalize(q)
}

// addFirstStage fits the map of a decoder with components, of which training knows
// left-out predictions. The predictions of a network are not left out: there the
// regression is replaced by the first token of the prediction.
func (t *training) addFirstStage(m *Model) error {
	c := &m.Config
	if c.Rank == 0 || t.leftOut == nil {
		return nil
	}
	first := blas32.General{Rows: c.Rank, Cols: c.D, Stride: c.outputs(), Data: t.fixed[basisName]}
	vectors := product(t.leftOut.target, first)
	for i := range vectors.Rows {
		row := matrix.Row(vectors, i)
		for j := range row {
			row[j] += t.fixed[targetMean][j]
		}
		if embed.Normalize(row) != nil {
			return nil //nolint:nilerr // no index has a vector of such an image
		}
	}
	fit := firstStageFit{scores: *t.leftOut, vectors: vectors}
	if c.Width > 0 {
		fit.token = &first
	}
	f, err := fit.best()
	if err != nil || f == nil {
		return err
	}
	c.FirstStage = true
	m.Values[firstStageWeight], m.Values[firstStageBias] = f.weight.Data, f.bias
	return nil
}

// firstStageFit is what a map is fitted to.
type firstStageFit struct {
	scores  leftOutScores
	vectors blas32.General  // [images, D], unit
	token   *blas32.General // [rank, D], the first token of scores, in place of the regression; or nil
}

// best fits the map with the power that ranks left-out images best. It is nil where
// there are too few images, or where they do not differ.
func (f firstStageFit) best() (*firstStage, error) {
	if len(trialsByImage(f.scores.images)) < 4 {
		return nil, nil
	}
	halves, err := KFoldByImage(f.scores.images, 2, f.scores.seed)
	if err != nil {
		return nil, err
	}
	half := f
	half.scores = f.scores.part(halves[0].Train)
	trained, err := half.regress()
	if err != nil || trained == nil {
		return nil, err
	}
	test := f.scores.part(drawn(rand.New(rand.NewPCG(f.scores.seed, 6)), halves[0].Test))
	power, least := 0., math.Inf(1)
	for _, p := range firstStagePowers() {
		if rank := f.judge(trained.power(p), test); rank < least {
			power, least = p, rank
		}
	}
	all, err := f.regress()
	if err != nil || all == nil {
		return nil, err
	}
	return all.power(power), nil
}

// judge returns the mean logarithm of the rank that a map gives the seen image among
// the images of some trials.
func (f firstStageFit) judge(m *firstStage, test leftOutScores) (mean float64) {
	groups := trialsByImage(test.images)
	among := make([]int, len(groups))
	for g, trials := range groups {
		among[g] = test.images[trials[0]]
	}
	gallery := matrix.Pick(f.vectors, among)
	queries := product(test.predicted, m.weight)
	for i := range queries.Rows {
		for j, b := range m.bias {
			queries.Data[i*queries.Stride+j] += b
		}
	}
	scores := matrix.New(queries.Rows, gallery.Rows)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, queries, gallery, 0, scores)
	for g, trials := range groups {
		for _, trial := range trials {
			row := matrix.Row(scores, trial)
			rank := .5
			for _, x := range row {
				switch {
				case x > row[g]:
					rank++
				case x == row[g]:
					rank += .5
				}
			}
			mean += math.Log(rank) / float64(len(test.images))
		}
	}
	return mean
}

// regression is a map without a power.
type regression struct {
	weight *mat.Dense // [rank, D]
	mean   []float64  // [rank], of the predicted scores
	values []float64  // eigenvalues of the vectors' covariance
	axes   *mat.Dense // [D, D], its eigenvectors
}

// regress fits the regression; nil where the vectors do not differ.
func (f firstStageFit) regress() (*regression, error) {
	p, y := matrix.Clone(f.scores.predicted), matrix.Pick(f.vectors, f.scores.images)
	r := &regression{mean: centreColumns(p), axes: new(mat.Dense)}
	centreColumns(y)
	var eigen mat.EigenSym
	if !eigen.Factorize(symmetric(crossProduct(y, y)), true) {
		return nil, errors.New("first stage: the eigendecomposition of the vectors' covariance did not converge")
	}
	r.values = eigen.Values(nil)
	eigen.VectorsTo(r.axes)
	pp := symmetric(crossProduct(p, p))
	if !(r.values[len(r.values)-1] > 0) || !(mat.Trace(pp) > 0) {
		return nil, nil
	}
	if f.token != nil {
		r.weight = doubles(*f.token)
		clear(r.mean) // scores of the components are of tokens less their mean
		return r, nil
	}
	rank := pp.SymmetricDim()
	penalty := firstStageRidge * mat.Trace(pp) / float64(rank)
	for k := range rank {
		pp.SetSym(k, k, pp.At(k, k)+penalty)
	}
	var chol mat.Cholesky
	if !chol.Factorize(pp) {
		return nil, fmt.Errorf("first stage: the predictions' covariance is %w", ErrSingular)
	}
	r.weight = new(mat.Dense)
	if err := chol.SolveTo(r.weight, crossProduct(p, y)); err != nil {
		return nil, fmt.Errorf("first stage: %w", err)
	}
	return r, nil
}

// power returns the map: the regression times a power of the inverse covariance.
func (r *regression) power(power float64) *firstStage {
	d := len(r.values)
	scale := mat.NewDiagDense(d, nil)
	for k, x := range r.values {
		scale.SetDiag(k, math.Pow(max(x, leastEigenvalue*r.values[d-1])/r.values[d-1], -power))
	}
	var white, weight mat.Dense
	white.Product(r.axes, scale, r.axes.T())
	weight.Mul(r.weight, &white)
	rank, _ := weight.Dims()
	f := &firstStage{weight: matrix.New(rank, d), bias: make([]float32, d)}
	for j := range d {
		var bias float64
		for k := range rank {
			f.weight.Data[k*d+j] = float32(weight.At(k, j))
			bias -= r.mean[k] * weight.At(k, j)
		}
		f.bias[j] = float32(bias)
	}
	return f
}

// centreColumns takes the means of the columns away, and returns them.
func centreColumns(m blas32.General) []float64 {
	means, _ := matrix.ColMeans(context.Background(), m) // only a context that ends makes it fail
	for i := range m.Rows {
		row := matrix.Row(m, i)
		for j := range row {
			row[j] -= float32(means[j])
		}
	}
	return means
}

// crossProduct returns aᵀb over the number of rows.
func crossProduct(a, b blas32.General) *mat.Dense {
	out := matrix.New(a.Cols, b.Cols)
	blas32.Gemm(blas.Trans, blas.NoTrans, 1/float32(a.Rows), a, b, 0, out)
	return doubles(out)
}

// doubles returns a matrix in double precision.
func doubles(m blas32.General) *mat.Dense {
	out := mat.NewDense(m.Rows, m.Cols, nil)
	for i := range m.Rows {
		for j, x := range m.Data[i*m.Stride:][:m.Cols] {
			out.Set(i, j, float64(x))
		}
	}
	return out
}

// readFirstStage reads the map of a decoder, with the components unless the metric has
// them; nil where the decoder has none.
func (d *Decoder) readFirstStage(from arrays) (*firstStage, error) {
	c := d.config
	if !c.FirstStage {
		return nil, nil
	}
	metric, err := d.metric()
	if err != nil {
		return nil, err
	}
	parts := metric.parts
	if parts == nil {
		if parts, err = readComponents(c, d.mean, from); err != nil {
			return nil, err
		}
	}
	weight, err := readMatrix(from, firstStageWeight, c.Rank, c.D)
	if err != nil {
		return nil, err
	}
	bias, err := from(firstStageBias)
	return &firstStage{parts: parts, weight: weight, bias: bias}, err
}

// FirstStage returns the unit vector by whose cosine the items of an index are found
// that predicted tokens, [T·D], may be of. It is Global's vector for a decoder that was
// not trained to map its predictions to a better one. The first call reads the
// components of the targets, [R, T·D].
func (d *Decoder) FirstStage(tokens []float32) (embed.Vector, error) {
	f, err := d.first()
	if err != nil {
		return nil, err
	}
	if f == nil {
		return d.Global(tokens)
	}
	return f.query(f.parts.scores(blas32.General{Rows: 1, Cols: len(tokens), Stride: len(tokens), Data: tokens}).Data)
}
