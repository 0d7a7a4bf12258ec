package scan

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"engram/data/dense"
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

// addFirstStage fits the map of a decoder that has components and left-out
// predictions. A network's predictions are not left out: there the first token of the
// prediction stands in for the regression.
func (t *training) addFirstStage(ctx context.Context, m *Model) error {
	c := &m.Config
	if t.opts.Unserved || c.Rank == 0 || t.leftOut == nil {
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
	f, err := fit.best(ctx)
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
func (f firstStageFit) best(ctx context.Context) (*firstStage, error) {
	if len(trialsByImage(f.scores.images)) < 4 {
		return nil, nil
	}
	axes, err := f.principalAxes(ctx)
	if err != nil || axes == nil {
		return nil, err
	}
	halves, err := KFoldByImage(f.scores.images, 2, f.scores.seed)
	if err != nil {
		return nil, err
	}
	half := f
	half.scores = f.scores.part(halves[0].Train)
	trained, err := half.regress(axes)
	if err != nil || trained == nil {
		return nil, err
	}
	test := f.scores.part(drawn(rand.New(rand.NewPCG(f.scores.seed, 6)), halves[0].Test))
	judge := f.judge(axes, test)
	power, least := 0., math.Inf(1)
	for _, p := range firstStagePowers() {
		if rank := judge(trained, p); rank < least {
			power, least = p, rank
		}
	}
	all, err := f.regress(axes)
	if err != nil || all == nil {
		return nil, err
	}
	return all.power(power), nil
}

// principalAxes are the directions along which the vectors of the images differ.
type principalAxes struct {
	basis  blas32.General // [D, r], columns of unit length
	values []float64      // [r], the variances along them, the largest first
}

// principalAxes returns the eigenvectors of the covariance of the images that were
// seen, from the smaller one of the covariance and the Gram matrix; nil where the
// vectors do not differ.
func (f firstStageFit) principalAxes(ctx context.Context) (*principalAxes, error) {
	seen := slices.Clone(f.scores.images)
	slices.Sort(seen)
	y := matrix.Pick(f.vectors, slices.Compact(seen))
	centreColumns(y)
	rows := dense.Matrix[float32]{Rows: y.Rows, Cols: y.Cols, RowStep: y.Stride, ColStep: 1, Data: y.Data}
	left, right := rows.T(), rows
	if y.Rows < y.Cols {
		left, right = rows, rows.T()
	}
	squares := dense.New[float64](left.Rows, left.Rows)
	if err := dense.Accumulate(ctx, squares, left, right, dense.Upper); err != nil {
		return nil, err
	}
	e, err := decompose(ctx, squares)
	if err != nil {
		return nil, fmt.Errorf("first stage: %w", err)
	}
	r := 0
	for r < len(e.values) && e.values[r] > 1e-6*e.values[0] {
		r++
	}
	if r == 0 {
		return nil, nil
	}
	vectors := matrix.New(left.Rows, r)
	for i := range vectors.Rows {
		for k := range r {
			vectors.Data[i*r+k] = float32(e.vectors.At(i, k))
		}
	}
	out := &principalAxes{basis: vectors, values: make([]float64, r)}
	if y.Rows < y.Cols {
		out.basis = matrix.New(y.Cols, r)
		blas32.Gemm(blas.Trans, blas.NoTrans, 1, y, vectors, 0, out.basis)
	}
	for k := range r {
		out.values[k] = e.values[k] / float64(y.Rows)
		if y.Rows < y.Cols {
			blas32.Scal(float32(1/math.Sqrt(e.values[k])), blas32.Vector{N: y.Cols, Inc: r, Data: out.basis.Data[k:]})
		}
	}
	return out, nil
}

// factors returns what the coordinates along the axes are multiplied by.
func (a *principalAxes) factors(power float64) []float32 {
	out := make([]float32, len(a.values))
	for k, x := range a.values {
		out[k] = float32(math.Pow(max(x/a.values[0], leastEigenvalue), -power))
	}
	return out
}

// judge returns a function for the mean logarithm of the rank that a regression, times
// a power of the inverse covariance, gives the seen image among the images of some
// trials.
func (f firstStageFit) judge(axes *principalAxes, test leftOutScores) func(*regression, float64) float64 {
	groups := trialsByImage(test.images)
	among := make([]int, len(groups))
	for g, trials := range groups {
		among[g] = test.images[trials[0]]
	}
	gallery := product(matrix.Pick(f.vectors, among), axes.basis)
	return func(r *regression, power float64) (mean float64) {
		scores := matrix.New(len(test.images), gallery.Rows)
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, r.queries(test.predicted, power), gallery, 0, scores)
		for g, trials := range groups {
			for _, trial := range trials {
				mean += math.Log(tieRank(matrix.Row(scores, trial), g)) / float64(len(test.images))
			}
		}
		return mean
	}
}

// tieRank returns the rank of element i, from 1; equal elements share their ranks.
func tieRank(row []float32, i int) float64 {
	rank := .5
	for _, x := range row {
		switch {
		case x > row[i]:
			rank++
		case x == row[i]:
			rank += .5
		}
	}
	return rank
}

// regression is a map without a power, to coordinates along axes.
type regression struct {
	axes   *principalAxes
	mean   []float64      // [rank], of the predicted scores
	weight blas32.General // [rank, r]
}

// regress fits the regression; nil where the predictions do not differ.
func (f firstStageFit) regress(axes *principalAxes) (*regression, error) {
	r := &regression{axes: axes}
	if f.token != nil { // scores of the components are of tokens less their mean
		r.mean = make([]float64, f.token.Rows)
		r.weight = product(*f.token, axes.basis)
		return r, nil
	}
	p := matrix.Clone(f.scores.predicted)
	r.mean = centreColumns(p)
	images := product(f.vectors, axes.basis)
	y := matrix.Pick(images, f.scores.images)
	centreColumns(y)
	pp := symmetric(crossProduct(p, p))
	if !(mat.Trace(pp) > 0) {
		return nil, nil
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
	var weight mat.Dense
	if err := chol.SolveTo(&weight, crossProduct(p, y)); err != nil {
		return nil, fmt.Errorf("first stage: %w", err)
	}
	r.weight = matrix.New(rank, y.Cols)
	for i := range rank {
		for j, x := range weight.RawRowView(i) {
			r.weight.Data[i*y.Cols+j] = float32(x)
		}
	}
	return r, nil
}

// scaled returns weight with its columns multiplied by a power's factors.
func (r *regression) scaled(power float64) blas32.General {
	out, factors := matrix.Clone(r.weight), r.axes.factors(power)
	for i := range out.Rows {
		row := matrix.Row(out, i)
		for k := range row {
			row[k] *= factors[k]
		}
	}
	return out
}

// queries returns the coordinates along the axes that predicted scores, [trials, rank],
// are mapped to.
func (r *regression) queries(predicted blas32.General, power float64) blas32.General {
	p := matrix.Clone(predicted)
	for i := range p.Rows {
		row := matrix.Row(p, i)
		for k := range row {
			row[k] -= float32(r.mean[k])
		}
	}
	return product(p, r.scaled(power))
}

// power returns the map: the regression times a power of the inverse covariance.
func (r *regression) power(power float64) *firstStage {
	d := r.axes.basis.Rows
	f := &firstStage{weight: matrix.New(r.weight.Rows, d), bias: make([]float32, d)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, r.scaled(power), r.axes.basis, 0, f.weight)
	for j := range d {
		var bias float64
		for k := range f.weight.Rows {
			bias -= r.mean[k] * float64(f.weight.Data[k*d+j])
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
