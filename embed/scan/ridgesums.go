package scan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"engram/embed/internal/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
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

// problem is one ridge regression. Its trials are in an order in which every group
// that is left out together lies in one piece.
type problem struct {
	centredRows          // [trials, V]
	groups      [][2]int // from ≤ trial < to in this order
	targetMean  []float64
	targets     blas32.General
	y           dense.Matrix[float64] // the targets in this order, centred
	images      []int                 // of each row of x
	zscore      *ZScore               // nil: none
	single      bool                  // products of voxels are in float32
	primal      bool                  // gram is XᵀX, [V, V], else XXᵀ, [trials, trials]

	// gram has the Gram matrix of the centred voxels above its diagonal, and below
	// it, with the diagonal, the Cholesky factor for one λ.
	gram     dense.Matrix[float64]
	diagonal []float64
	xy       dense.Matrix[float64] // XᵀY, [V, D], where primal
	meter    *meter

	// Buffers of what is computed for each λ again.
	solution, last, left, roots []float64
}

// newProblem orders the trials and centres the targets. Where there are more than
// lambdaTrials, images are in a random order, so that the last ones are a sample.
func newProblem(ctx context.Context, voxels, targets blas32.General, opts RidgeOptions) (*problem, error) {
	p := &problem{centredRows: centredRows{x: voxels}, targets: targets, primal: voxels.Cols < voxels.Rows, images: opts.Images}
	if p.images == nil {
		p.images = make([]int, voxels.Rows)
		for i := range p.images {
			p.images[i] = i
		}
	}
	groups := trialsByImage(p.images)
	if len(groups) < 2 && (opts.LeaveOut || opts.Lambda == 0) {
		return nil, errors.New("ridge: leaving an image out needs trials of two images at least, found one")
	}
	if voxels.Rows > lambdaTrials {
		rng := rand.New(rand.NewPCG(1, 3))
		rng.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	}
	for _, group := range groups {
		from := len(p.order)
		p.order = append(p.order, group...)
		p.groups = append(p.groups, [2]int{from, len(p.order)})
	}
	if opts.ZScore != nil {
		p.zscore, p.scale = opts.ZScore, opts.ZScore.Scale
	}
	var err error
	if p.mean, err = matrix.ColMeans(ctx, voxels); err != nil {
		return nil, err
	}
	if p.targetMean, err = matrix.ColMeans(ctx, targets); err != nil {
		return nil, err
	}
	p.y = dense.New[float64](targets.Rows, targets.Cols)
	for i, trial := range p.order {
		to := p.y.Row(i)
		for j, y := range matrix.Row(targets, trial) {
			to[j] = float64(y) - p.targetMean[j]
		}
	}
	small := float64(min(voxels.Rows, voxels.Cols))
	p.single = small*float64(voxels.Rows)*float64(voxels.Cols) > singleFlops
	return p, nil
}

// sum computes the Gram matrix, and XᵀY where it is needed.
func (p *problem) sum(ctx context.Context) error {
	n := min(p.x.Rows, p.x.Cols)
	p.gram, p.diagonal = dense.New[float64](n, n), make([]float64, n)
	if p.primal {
		p.xy = dense.New[float64](n, p.y.Cols)
	}
	var err error
	if p.single {
		err = sumPieces[float32](ctx, p)
	} else {
		err = sumPieces[float64](ctx, p)
	}
	for i := range n {
		p.diagonal[i] = p.gram.At(i, i)
	}
	return err
}

// sumPieces adds the products of some columns of X, or of some rows where p is
// primal.
func sumPieces[T dense.Float](ctx context.Context, p *problem) error {
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
		if err := dense.Accumulate(ctx, p.gram, x, x.T(), dense.Upper); err != nil {
			return err
		}
		p.meter.add(float64(x.Rows) * float64(x.Rows) * float64(x.Cols))
	}
	return nil
}

// addXY adds XᵀY of some trials.
func addXY[T dense.Float](ctx context.Context, p *problem, x dense.Matrix[T], from int) error {
	var buffer []T
	y := converted(p.y.Slice(from, from+x.Rows, 0, p.y.Cols), &buffer)
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

// factorize returns the Cholesky factor of the Gram matrix plus λI.
func (p *problem) factorize(ctx context.Context, lambda float64) (*dense.Factor, error) {
	n := p.gram.Rows
	const block = 64 // both triangles of a block stay in the cache
	for from := 0; from < n; from += block {
		for below := from; below < n; below += block {
			for i := from; i < min(from+block, n); i++ {
				for j := max(below, i+1); j < min(below+block, n); j++ {
					p.gram.Data[j*n+i] = p.gram.Data[i*n+j]
				}
			}
		}
	}
	for i, x := range p.diagonal {
		p.gram.Data[i*n+i] = x + lambda
	}
	f, err := dense.Cholesky(ctx, p.gram, p.meter.add)
	if errors.Is(err, dense.ErrNotPositive) {
		return nil, notPositive(lambda)
	}
	return f, err
}

func notPositive(lambda float64) error {
	return fmt.Errorf("ridge: the voxels' Gram matrix plus λ = %g is %w; raise λ", lambda, ErrSingular)
}
