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
	var gram mat.SymDense
	gram.SymOuterK(1, centered)
	var eigen mat.EigenSym
	if !eigen.Factorize(&gram, true) {
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
	for k := range kept {
		column := len(values) - 1 - k
		var row mat.VecDense
		row.MulVec(centered.T(), vectors.ColView(column))
		length := math.Sqrt(values[column])
		for j := range targets.Cols {
			c.basis.Data[k*targets.Cols+j] = float32(row.AtVec(j) / length * c.scale)
		}
	}
	return c, nil
}

// scores returns the targets in the space of the components, [images, rank].
func (c *components) scores(targets blas32.General) blas32.General {
	out := matrix.New(targets.Rows, c.basis.Rows)
	inverse := float32(1 / (c.scale * c.scale))
	row := make([]float32, targets.Cols)
	for i := range targets.Rows {
		for j, x := range matrix.Row(targets, i) {
			row[j] = x - c.mean[j]
		}
		dst := matrix.Row(out, i)
		blas32.Gemv(blas.NoTrans, inverse, c.basis, blas32.Vector{N: len(row), Inc: 1, Data: row}, 0,
			blas32.Vector{N: len(dst), Inc: 1, Data: dst})
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
func fitScores(ctx context.Context, voxels, scores blas32.General, images []int, seed uint64) (*Ridge, error) {
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
	left := matrix.New(scores.Rows, scores.Cols)
	for k, fold := range folds {
		r, err := FitRidge(ctx, matrix.Pick(voxels, fold.Train), matrix.Pick(scores, fold.Train), RidgeOptions{Lambda: trial.Lambda})
		if err != nil {
			return nil, fmt.Errorf("scan: part %d of %d: %w", k+1, len(folds), err)
		}
		predicted, err := r.Predict(matrix.Pick(voxels, fold.Test))
		if err != nil {
			return nil, err
		}
		for i, row := range fold.Test {
			copy(matrix.Row(left, row), matrix.Row(predicted, i))
		}
	}
	r, err := FitRidge(ctx, voxels, scores, RidgeOptions{Lambda: trial.Lambda})
	if err != nil {
		return nil, err
	}
	r.LeftOut = left
	return r, nil
}
