package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// ErrSingular reports a ridge problem whose penalty is too small to solve it.
var ErrSingular = errors.New("not positive definite")

// RidgeOptions says how strongly a ridge is penalised.
type RidgeOptions struct {
	// Lambda is the penalty λ on the squared weights, in the units of the
	// squared voxels summed over trials. 0 chooses it from the training trials,
	// which costs an eigendecomposition: seconds for a thousand trials (or
	// voxels, if they are fewer), and the cube of that for more.
	Lambda float64
	// Images identifies what was seen in each trial, where images repeat: λ is
	// then chosen by leaving out all trials of an image together. nil says that
	// no image repeats.
	Images []int
	// LeaveOut asks for Ridge.LeftOut.
	LeaveOut bool
}

// Ridge is the linear decoder: for each target one weighted sum of the voxels,
// with the weights that minimise the squared error plus λ times the squared
// weights (Hoerl & Kennard 1970, Technometrics 12(1)). The means are not
// penalised. It is safe for concurrent use.
type Ridge struct {
	Lambda     float64        // the penalty that was given or chosen
	Weights    blas32.General // [voxels, targets]
	VoxelMean  []float32      // of the training trials, subtracted before the weights
	TargetMean []float32      // of the training trials, added after the weights

	// LeftOut holds, where RidgeOptions.LeaveOut asked for it, each training
	// trial's prediction by the ridge of the trials of all other images,
	// [trials, targets]: what the ridge can say of images that it has not seen.
	LeftOut blas32.General
}

// FitRidge solves the ridge regression from voxels, [trials, voxels], to
// targets, [trials, D], in double precision by one Cholesky factorisation: of
// XᵀX + λI where there are fewer voxels than trials, else of XXᵀ + λI. Voxels
// are used as they are: z-score them first. ctx is looked at between the steps;
// the longest step is the eigendecomposition that chooses λ.
func FitRidge(ctx context.Context, voxels, targets blas32.General, opts RidgeOptions) (*Ridge, error) {
	if err := checkRidge(voxels, targets, opts); err != nil {
		return nil, err
	}
	x, voxelMean := matrix.Centered(voxels)
	y, targetMean := matrix.Centered(targets)
	p := problem{x: x, y: y, gram: gramOf(x), images: opts.Images}
	lambda := opts.Lambda
	var left *mat.Dense
	if lambda == 0 || opts.LeaveOut {
		var err error
		if lambda, left, err = leftOut(ctx, p, opts); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	weights, err := solveRidge(p, lambda)
	if err != nil {
		return nil, err
	}
	r := &Ridge{Lambda: lambda, Weights: matrix.New(voxels.Cols, targets.Cols), VoxelMean: float32s(voxelMean), TargetMean: float32s(targetMean)}
	for i := range voxels.Cols {
		copy(matrix.Row(r.Weights, i), float32s(weights.RawRowView(i)))
	}
	if opts.LeaveOut {
		r.LeftOut = matrix.New(targets.Rows, targets.Cols)
		for i := range targets.Rows {
			for j, e := range left.RawRowView(i) {
				r.LeftOut.Data[i*targets.Cols+j] = float32(y.At(i, j) - e + targetMean[j])
			}
		}
	}
	return r, nil
}

// leftOut chooses λ where it is not given and returns the errors of predicting
// every image from the others.
func leftOut(ctx context.Context, p problem, opts RidgeOptions) (float64, *mat.Dense, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	l, err := newLeaveOut(p)
	if err != nil {
		return 0, nil, err
	}
	lambda := opts.Lambda
	if lambda == 0 {
		if lambda, err = l.chooseLambda(ctx); err != nil {
			return 0, nil, err
		}
	}
	missed, err := l.errors(lambda)
	return lambda, missed, err
}

// Predict returns the targets of trials, [trials, voxels] → [trials, D].
func (r *Ridge) Predict(voxels blas32.General) (blas32.General, error) {
	if voxels.Cols != len(r.VoxelMean) {
		return blas32.General{}, fmt.Errorf("voxels: the decoder reads %d voxels, the scan has %d", len(r.VoxelMean), voxels.Cols)
	}
	if err := matrix.Check(voxels, voxelNames()); err != nil {
		return blas32.General{}, err
	}
	centered := matrix.New(voxels.Rows, voxels.Cols)
	out := matrix.New(voxels.Rows, r.Weights.Cols)
	for i := range voxels.Rows {
		dst := matrix.Row(centered, i)
		for j, x := range matrix.Row(voxels, i) {
			dst[j] = x - r.VoxelMean[j]
		}
		copy(matrix.Row(out, i), r.TargetMean)
	}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, centered, r.Weights, 1, out)
	return out, nil
}

// bias returns what the ridge predicts for a trial of zeros.
func (r *Ridge) bias() []float32 {
	out := slices.Clone(r.TargetMean)
	for v, mean := range r.VoxelMean {
		for j, w := range matrix.Row(r.Weights, v) {
			out[j] -= mean * w
		}
	}
	return out
}

func checkRidge(voxels, targets blas32.General, opts RidgeOptions) error {
	if err := matrix.Check(voxels, voxelNames()); err != nil {
		return err
	}
	if err := matrix.Check(targets, matrix.Names{Matrix: "targets", Row: "trial", Col: "element"}); err != nil {
		return err
	}
	if voxels.Rows != targets.Rows {
		return fmt.Errorf("ridge: wanted one target for each trial, found %d trials and %d targets", voxels.Rows, targets.Rows)
	}
	if opts.Images != nil && len(opts.Images) != voxels.Rows {
		return fmt.Errorf("ridge: wanted one image for each trial, found %d trials and %d images", voxels.Rows, len(opts.Images))
	}
	if !(opts.Lambda >= 0) || math.IsInf(opts.Lambda, 1) {
		return fmt.Errorf("ridge: wanted a finite λ of at least 0, found %v", opts.Lambda)
	}
	if voxels.Rows < 2 {
		return fmt.Errorf("ridge: wanted 2 trials at least, found %d", voxels.Rows)
	}
	return nil
}

// problem is one ridge regression: centred voxels x, [n, V], centred targets
// y, [n, D], and the smaller of the two Gram matrices.
type problem struct {
	x, y   *mat.Dense
	gram   *mat.SymDense // XXᵀ where primal is false, else XᵀX
	images []int
}

// primal says whether gram is XᵀX, [V, V].
func (p problem) primal() bool { return isPrimal(p.x) }

func isPrimal(x *mat.Dense) bool {
	n, v := x.Dims()
	return v < n
}

func gramOf(x *mat.Dense) *mat.SymDense {
	if isPrimal(x) {
		return outer(x.T())
	}
	return outer(x)
}

// outer returns a·aᵀ. gonum's general product, which runs on all processors, is
// faster than its symmetric one.
func outer(a mat.Matrix) *mat.SymDense {
	var product mat.Dense
	product.Mul(a, a.T())
	n, _ := product.Dims()
	return mat.NewSymDense(n, product.RawMatrix().Data) // reads the upper triangle
}

// solveRidge returns (XᵀX + λI)⁻¹XᵀY, or the same as Xᵀ(XXᵀ + λI)⁻¹Y
// (Saunders, Gammerman & Vovk 1998, ICML).
func solveRidge(p problem, lambda float64) (*mat.Dense, error) {
	n := p.gram.SymmetricDim()
	shifted := mat.NewSymDense(n, nil)
	shifted.CopySym(p.gram)
	for i := range n {
		shifted.SetSym(i, i, shifted.At(i, i)+lambda)
	}
	var chol mat.Cholesky
	if !chol.Factorize(shifted) {
		return nil, notPositive(lambda)
	}
	var weights, right mat.Dense
	if p.primal() {
		right.Mul(p.x.T(), p.y)
		err := chol.SolveTo(&weights, &right)
		return &weights, solved(err, lambda)
	}
	err := chol.SolveTo(&right, p.y)
	weights.Mul(p.x.T(), &right)
	return &weights, solved(err, lambda)
}

func notPositive(lambda float64) error {
	return fmt.Errorf("ridge: the voxels' Gram matrix plus λ = %g is %w; raise λ", lambda, ErrSingular)
}

// solved turns gonum's warning of a bad condition into an error.
func solved(err error, lambda float64) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ridge: λ = %g: %w: %w; raise λ", lambda, ErrSingular, err)
}

func float32s(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
