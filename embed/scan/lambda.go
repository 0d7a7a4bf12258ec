package scan

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// The grid of penalties: quarter decades around the mean squared length of a
// trial's centred voxels, which makes the choice independent of their units and
// number.
const (
	lambdaSteps     = 33
	lambdaPerDecade = 4
	lambdaFirst     = 1e-4 // of the mean squared length
)

// newLeaveOut prepares predictions for images that were left out. One
// eigendecomposition serves every λ and all images.
//
// With X = USVᵀ, the fitted targets are HY, H = U·diag(s²/(s²+λ))·Uᵀ + 1/n,
// where 1/n, in every element, comes from the means. The error for a left-out
// set g of trials is (I − H_gg)⁻¹(Y − HY)_g without refitting: for single trials
// the PRESS of Allen 1974 (Technometrics 16(1)), for sets the same identity with
// the block of H (Cook & Weisberg 1982, Residuals and Influence in Regression).
func newLeaveOut(p problem) (leaveOut, error) {
	images := p.images
	n, _ := p.x.Dims()
	if images == nil {
		images = make([]int, n)
		for i := range images {
			images[i] = i
		}
	}
	groups := trialsByImage(images)
	if len(groups) < 2 {
		return leaveOut{}, errors.New("ridge: leaving an image out needs trials of two images at least, found one")
	}
	z, square, err := principalScores(p)
	if err != nil {
		return leaveOut{}, err
	}
	var zy mat.Dense
	zy.Mul(z.T(), p.y)
	return leaveOut{z: z, zy: &zy, y: p.y, square: square, groups: groups}, nil
}

// chooseLambda returns the λ of the grid with the least squared error of
// predictions for images that were left out.
func (l leaveOut) chooseLambda(ctx context.Context) (float64, error) {
	n, _ := l.z.Dims()
	var length float64
	for _, s := range l.square {
		length += s / float64(n)
	}
	if length == 0 {
		return 0, errors.New("ridge: no voxel varies over the training trials")
	}
	best, bestError := 0.0, math.Inf(1)
	for k := range lambdaSteps {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		lambda := length * lambdaFirst * math.Pow(10, float64(k)/lambdaPerDecade)
		missed, err := l.errors(lambda)
		if err != nil {
			return 0, err
		}
		if norm := mat.Norm(missed, 2); norm < bestError {
			best, bestError = lambda, norm
		}
	}
	return best, nil
}

// principalScores returns Z = US, [n, r], and the squared singular values s² of
// the voxels, from the eigenvectors of the smaller Gram matrix: of XXᵀ they are
// U, and of XᵀX they are V with XV = US.
func principalScores(p problem) (*mat.Dense, []float64, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(p.gram, true) {
		return nil, nil, errors.New("ridge: the eigendecomposition of the voxels' Gram matrix did not converge")
	}
	square := eigen.Values(nil)
	for i, s := range square {
		square[i] = max(s, 0) // rounding can leave a zero below zero
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	if p.primal() {
		var z mat.Dense
		z.Mul(p.x, &vectors)
		return &z, square, nil
	}
	vectors.Apply(func(_, j int, u float64) float64 { return u * math.Sqrt(square[j]) }, &vectors)
	return &vectors, square, nil
}

// leaveOut is what the errors at every λ are computed from.
type leaveOut struct {
	z      *mat.Dense // US, [n, r]
	zy     *mat.Dense // ZᵀY, [r, D]
	y      *mat.Dense // centred targets, [n, D]
	square []float64  // s², [r]
	groups [][]int    // trials to leave out together
}

// errors returns the targets less what every group's trials are predicted to be
// from the other groups, [n, D].
func (l leaveOut) errors(lambda float64) (*mat.Dense, error) {
	n, r := l.z.Dims()
	scaled := mat.NewDense(n, r, nil) // Z·diag(1/(s²+λ))
	scaled.Apply(func(_, j int, z float64) float64 { return z / (l.square[j] + lambda) }, l.z)
	var residual mat.Dense
	residual.Mul(scaled, l.zy)
	residual.Sub(l.y, &residual)
	for _, group := range l.groups {
		if err := l.leaveGroupOut(scaled, &residual, group); err != nil {
			return nil, fmt.Errorf("ridge: λ = %g: %w", lambda, err)
		}
	}
	return &residual, nil
}

// leaveGroupOut replaces the rows of a group by (I − H_gg)⁻¹(Y − HY)_g.
func (l leaveOut) leaveGroupOut(scaled, residual *mat.Dense, group []int) error {
	n, _ := l.z.Dims()
	var open, left mat.Dense
	open.Mul(pickDense(scaled, group), pickDense(l.z, group).T())
	open.Apply(func(a, b int, h float64) float64 {
		h += 1 / float64(n)
		if a == b {
			return 1 - h
		}
		return -h
	}, &open)
	if err := left.Solve(&open, pickDense(residual, group)); err != nil {
		return fmt.Errorf("trials %v cannot be left out: %w", group, err)
	}
	for a, i := range group {
		residual.SetRow(i, left.RawRowView(a))
	}
	return nil
}

// pickDense copies rows of a matrix.
func pickDense(m *mat.Dense, rows []int) *mat.Dense {
	_, cols := m.Dims()
	out := mat.NewDense(len(rows), cols, nil)
	for a, i := range rows {
		out.SetRow(a, m.RawRowView(i))
	}
	return out
}
