package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"engram/data/dense"
	"engram/data/progress"
	"engram/embed/internal/matrix"
	"engram/embed/internal/memory"

	"gonum.org/v1/gonum/blas/blas32"
)

// ErrSingular reports a ridge problem whose penalty is too small to solve it.
var ErrSingular = errors.New("not positive definite")

// RidgeOptions says how strongly a ridge is penalised.
type RidgeOptions struct {
	// Lambda is the penalty λ on the squared weights, in the units of the
	// squared voxels summed over trials. 0 chooses it by the predictions for
	// images that are left out, see chooseLambda: a few factorisations more.
	Lambda float64
	// Images identifies what was seen in each trial, where images repeat: λ is
	// then chosen by leaving out all trials of an image together. nil says that
	// no image repeats.
	Images []int
	// LeaveOut asks for Ridge.LeftOut.
	LeaveOut bool
	// ZScore standardises the voxels as they are read, so that no copy of them is
	// needed: the ridge is the one of standardised voxels. nil leaves them as they
	// are.
	ZScore *ZScore
	// Progress is told of SolvingStage, in billions of operations. Their number is
	// an estimate as long as λ is not chosen.
	Progress progress.Func
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
// targets, [trials, D], by Cholesky factorisations in double precision: of
// XᵀX + λI where there are fewer voxels than trials, else of XXᵀ + λI (the dual
// form; Saunders, Gammerman & Vovk 1998, ICML). Voxels are used as they are:
// z-score them first. One factorisation gives the predictions of all images that
// are left out.
//
// Beside its arguments and its result it holds the smaller matrix, min(trials,
// voxels)² in float64. Large products of voxels are computed in float32, see
// singleFlops. ctx is looked at before every block of a product: a cancelled fit
// returns the context's error within a second.
func FitRidge(ctx context.Context, voxels, targets blas32.General, opts RidgeOptions) (*Ridge, error) {
	if err := checkRidge(ctx, voxels, targets, opts); err != nil {
		return nil, err
	}
	s, err := newSolver(ctx, voxels, opts)
	if err != nil {
		return nil, err
	}
	return s.fit(ctx, targets, opts)
}

// fit solves the regression onto targets, [trials, D].
func (s *solver) fit(ctx context.Context, targets blas32.General, opts RidgeOptions) (*Ridge, error) {
	p, err := s.problem(ctx, targets)
	if err != nil {
		return nil, err
	}
	if err := p.fits(memory.Available(os.DirFS("/"))); err != nil {
		return nil, err
	}
	p.meter = newMeter(p, opts)
	if err := p.sum(ctx); err != nil {
		return nil, err
	}
	lambda := opts.Lambda
	if lambda == 0 {
		if lambda, err = p.chooseLambda(ctx); err != nil {
			return nil, err
		}
		p.meter.chosen(p)
	}
	solved, err := p.at(ctx, lambda)
	if err != nil {
		return nil, err
	}
	r, err := solved.ridge(ctx, opts.LeaveOut)
	if err != nil {
		return nil, err
	}
	p.meter.end()
	return r, nil
}

// Predict returns the targets of trials, [trials, voxels] → [trials, D], or the
// context's error where ctx ends first.
func (r *Ridge) Predict(ctx context.Context, voxels blas32.General) (blas32.General, error) {
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
	product := dense.Product[float32]{C: dense.Of(out), A: dense.Of(centered), B: dense.Of(r.Weights), Sign: 1}
	return out, product.Add(ctx)
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

func checkRidge(ctx context.Context, voxels, targets blas32.General, opts RidgeOptions) error {
	if err := matrix.CheckUntil(ctx, voxels, voxelNames()); err != nil {
		return err
	}
	if err := matrix.CheckUntil(ctx, targets, matrix.Names{Matrix: "targets", Row: "trial", Col: "element"}); err != nil {
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

// voxelMean returns the mean that Predict takes away, of standardised voxels where
// they are standardised.
func (s *solver) voxelMean() []float32 {
	out := float32s(s.mean)
	if s.zscore == nil {
		return out
	}
	for v, mean := range s.mean {
		out[v] = float32((mean - float64(s.zscore.Mean[v])) * float64(s.zscore.Scale[v]))
	}
	return out
}

func float32s(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
