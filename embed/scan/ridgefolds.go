package scan

import (
	"context"
	"fmt"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// maxExactTrials bounds the trials for which λ and the left-out predictions come
// from one eigendecomposition, whose work grows with the cube of their number.
const maxExactTrials = 1000

// ridgeFolds is into how many folds more trials are divided, or fewer where there
// are fewer images.
const ridgeFolds = 5

// fitScores fits the ridge from z-scored voxels to the scores of what was seen
// and predicts every training trial from trials of other images.
func (t *training) fitScores(ctx context.Context, voxels, scores blas32.General) (*Ridge, error) {
	images, seed := t.images, t.opts.Seed
	if voxels.Rows <= maxExactTrials {
		solved := t.opts.Progress.Stage(SolvingStage, "parts", 1)
		defer solved(1, 1)
		return FitRidge(ctx, voxels, scores, RidgeOptions{Images: images, LeaveOut: true})
	}
	count := min(ridgeFolds, len(trialsByImage(images)))
	solved := t.opts.Progress.Stage(SolvingStage, "parts", int64(count+1))
	some := rand.New(rand.NewPCG(seed, 3)).Perm(voxels.Rows)[:maxExactTrials]
	trial, err := FitRidge(ctx, matrix.Pick(voxels, some), matrix.Pick(scores, some), RidgeOptions{Images: take(images, some)})
	if err != nil {
		return nil, err
	}
	folds, err := KFoldByImage(images, count, seed)
	if err != nil {
		return nil, err
	}
	return foldRidge{voxels, scores, folds, trial.Lambda, solved}.fit(ctx)
}

// foldRidge is a ridge regression whose trials are left out fold by fold.
type foldRidge struct {
	voxels, scores blas32.General // [trials, V], [trials, rank]
	folds          []Fold
	lambda         float64
	solved         func(done, total int64) // told how many ridges are solved
}

// fit fits the ridge of all trials, and predicts the trials of each fold from the
// trials of the other folds. Every trial is summed twice, so that no more than two
// sums are kept at a time: each has V² elements.
func (f foldRidge) fit(ctx context.Context) (*Ridge, error) {
	total := int64(len(f.folds) + 1)
	all := newMoments(f.voxels, f.scores)
	ridge, err := all.ridge(f.lambda)
	if err != nil {
		return nil, err
	}
	ridge.LeftOut = matrix.New(f.scores.Rows, f.scores.Cols)
	for k, fold := range f.folds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.solved(int64(k+1), total)
		trials := matrix.Pick(f.voxels, fold.Test)
		part := newMoments(trials, matrix.Pick(f.scores, fold.Test))
		all.add(-1, part)
		r, err := all.ridge(f.lambda)
		if err != nil {
			return nil, fmt.Errorf("scan: part %d of %d: %w", k+1, len(f.folds), err)
		}
		all.add(1, part)
		predicted, err := r.Predict(trials)
		if err != nil {
			return nil, err
		}
		for i, row := range fold.Test {
			copy(matrix.Row(ridge.LeftOut, row), matrix.Row(predicted, i))
		}
	}
	f.solved(total, total)
	return ridge, nil
}
