package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// maxComponentImages bounds the images that the components are computed from:
// the work grows with the square of their number.
const maxComponentImages = 1024

// components are the principal components of the targets, which span what a
// linear decoder can say of them. Predictions and losses live in their space:
// as the basis is orthogonal with vectors of one length, cosines of scores are
// cosines of tokens, and training never touches the T·D elements of a token
// matrix.
type components struct {
	mean  []float32      // [T·D], of the targets
	basis blas32.General // [rank, T·D], rows orthogonal, each of length scale
	scale float64        // root mean square of the targets' scores along unit vectors
}

// findComponents computes at most rank components of the targets of images,
// [images, T·D], by the eigenvectors of their Gram matrix (the snapshot method
// of Sirovich 1987, Quarterly of Applied Mathematics 45).
func findComponents(targets blas32.General, rank int, seed uint64) (*components, error) {
	sample := targets
	if targets.Rows > maxComponentImages {
		sample = matrix.Pick(targets, rand.New(rand.NewPCG(seed, 2)).Perm(targets.Rows)[:maxComponentImages])
	}
	centered, _ := matrix.Centered(sample)
	var eigen mat.EigenSym
	if !eigen.Factorize(outer(centered), true) {
		return nil, errors.New("scan: the eigendecomposition of the targets did not converge")
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	largest := values[len(values)-1]
	kept, total := 0, 0.0
	for kept < min(rank, len(values)-1) && values[len(values)-1-kept] > 1e-9*largest {
		total += values[len(values)-1-kept]
		kept++
	}
	if kept == 0 {
		return nil, errors.New("scan: the targets of all images are the same")
	}
	c := &components{mean: float32s(matrix.ColMeans(targets)), basis: matrix.New(kept, targets.Cols)}
	c.scale = math.Sqrt(total / float64(kept*sample.Rows))
	last := len(values) - 1
	var basis mat.Dense
	basis.Mul(vectors.Slice(0, last+1, last+1-kept, last+1).T(), centered)
	for k := range kept {
		row := kept - 1 - k // ascending, too
		length := math.Sqrt(values[last-k])
		for j, x := range basis.RawRowView(row) {
			c.basis.Data[k*targets.Cols+j] = float32(x / length * c.scale)
		}
	}
	return c, nil
}

// scores returns the targets in the space of the components, [images, rank].
func (c *components) scores(targets blas32.General) blas32.General {
	out := matrix.New(targets.Rows, c.basis.Rows)
	inverse := float32(1 / (c.scale * c.scale))
	for from := 0; from < targets.Rows; from += chunkTrials {
		to := min(from+chunkTrials, targets.Rows)
		centered := matrix.Clone(matrix.Part(targets, from, to))
		for i := range centered.Rows {
			row := matrix.Row(centered, i)
			for j, mean := range c.mean {
				row[j] -= mean
			}
		}
		blas32.Gemm(blas.NoTrans, blas.Trans, inverse, centered, c.basis, 0, matrix.Part(out, from, to))
	}
	return out
}

// maxExactTrials bounds the trials for which λ and the left-out predictions come
// from one eigendecomposition, whose work grows with the cube of their number.
const maxExactTrials = 1000

// ridgeFolds is in how many parts more trials are predicted from each other, or
// as many as there are images.
const ridgeFolds = 5

// fitScores fits the ridge from z-scored voxels to the scores of what was seen
// and predicts every training trial from trials of other images.
func (t *training) fitScores(ctx context.Context, voxels, scores blas32.General) (*Ridge, error) {
	images, seed := t.images, t.opts.Seed
	if voxels.Rows <= maxExactTrials {
		return FitRidge(ctx, voxels, scores, RidgeOptions{Images: images, LeaveOut: true})
	}
	some := rand.New(rand.NewPCG(seed, 3)).Perm(voxels.Rows)[:maxExactTrials]
	trial, err := FitRidge(ctx, matrix.Pick(voxels, some), matrix.Pick(scores, some), RidgeOptions{Images: take(images, some)})
	if err != nil {
		return nil, err
	}
	folds, err := KFoldByImage(images, min(ridgeFolds, len(trialsByImage(images))), seed)
	if err != nil {
		return nil, err
	}
	return ridgeOfParts(ctx, voxels, scores, folds, trial.Lambda, t.opts.solving)
}

// ridgeOfParts fits the ridge of all trials, and predicts the trials of each part
// from those of the others. Every trial is summed twice, so that no more than two
// sums are kept at a time: each has V² elements.
func ridgeOfParts(ctx context.Context, voxels, scores blas32.General, folds []Fold, lambda float64, solving func(done, total int)) (*Ridge, error) {
	solving(0, len(folds)+1)
	all := newMoments(voxels, scores)
	whole, err := all.ridge(lambda)
	if err != nil {
		return nil, err
	}
	whole.LeftOut = matrix.New(scores.Rows, scores.Cols)
	for k, fold := range folds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		solving(k+1, len(folds)+1)
		trials := matrix.Pick(voxels, fold.Test)
		part := newMoments(trials, matrix.Pick(scores, fold.Test))
		all.add(-1, part)
		r, err := all.ridge(lambda)
		if err != nil {
			return nil, fmt.Errorf("scan: part %d of %d: %w", k+1, len(folds), err)
		}
		all.add(1, part)
		predicted, err := r.Predict(trials)
		if err != nil {
			return nil, err
		}
		for i, row := range fold.Test {
			copy(matrix.Row(whole.LeftOut, row), matrix.Row(predicted, i))
		}
	}
	solving(len(folds)+1, len(folds)+1)
	return whole, nil
}

// standardise divides every component of the scores, [trials, rank], by its root
// mean square and returns by what they were multiplied.
func standardise(scores blas32.General) []float32 {
	squares := make([]float64, scores.Cols)
	for i := range scores.Rows {
		for k, x := range matrix.Row(scores, i) {
			squares[k] += float64(x) * float64(x) / float64(scores.Rows)
		}
	}
	scale := make([]float32, scores.Cols)
	for k, square := range squares {
		if square > 0 {
			scale[k] = float32(1 / math.Sqrt(square))
		}
	}
	for i := range scores.Rows {
		row := matrix.Row(scores, i)
		for k := range row {
			row[k] *= scale[k]
		}
	}
	return scale
}
