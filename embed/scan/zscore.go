package scan

import (
	"context"
	"fmt"
	"math"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// voxelNames names the matrices of this package in errors.
func voxelNames() matrix.Names { return matrix.Names{Matrix: "voxels", Row: "trial", Col: "voxel"} }

// ZScore standardises voxels: each is shifted and scaled to mean 0 and standard
// deviation 1 over the trials that it was fitted on. Fit it on training trials
// only, or the test trials leak into the decoder. It is safe for concurrent use.
type ZScore struct {
	Mean []float32 // of each voxel
	// Scale is 1 over each voxel's standard deviation (with divisor n). It is
	// 0 for a voxel that did not vary, which therefore always gives 0: nothing
	// is known about it, and a raw value would drown the others.
	Scale []float32
}

// FitZScore takes mean and scale from training trials, [trials, voxels]. It
// needs two trials at least and refuses NaN and infinite voxels. It returns the
// context's error where ctx ends first.
func FitZScore(ctx context.Context, trials blas32.General) (*ZScore, error) {
	if err := matrix.CheckUntil(ctx, trials, voxelNames()); err != nil {
		return nil, err
	}
	if trials.Rows < 2 {
		return nil, fmt.Errorf("voxels: z-scoring needs 2 trials at least, found %d", trials.Rows)
	}
	mean, err := matrix.ColMeans(ctx, trials)
	if err != nil {
		return nil, err
	}
	square := make([]float64, trials.Cols)
	for i := range trials.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for j, x := range matrix.Row(trials, i) {
			d := float64(x) - mean[j]
			square[j] += d * d
		}
	}
	z := &ZScore{Mean: make([]float32, trials.Cols), Scale: make([]float32, trials.Cols)}
	for j := range mean {
		z.Mean[j] = float32(mean[j])
		// A deviation below the smallest normal float32 is no variation either.
		if scale := float32(1 / math.Sqrt(square[j]/float64(trials.Rows))); !math.IsInf(float64(scale), 0) {
			z.Scale[j] = scale
		}
	}
	return z, nil
}

// Apply standardises trials, [trials, voxels], in place. Where it returns an
// error nothing has been changed: a voxel count that does not fit, a NaN or an
// infinite voxel.
func (z *ZScore) Apply(trials blas32.General) error {
	if trials.Cols != len(z.Mean) {
		return fmt.Errorf("voxels: the decoder reads %d voxels, the scan has %d", len(z.Mean), trials.Cols)
	}
	if err := matrix.Check(trials, voxelNames()); err != nil {
		return err
	}
	for i := range trials.Rows {
		row := matrix.Row(trials, i)
		for j, x := range row {
			row[j] = float32((float64(x) - float64(z.Mean[j])) * float64(z.Scale[j]))
		}
	}
	return nil
}

// leastReliability keeps a voxel that seems to be noise alone.
const leastReliability = .01

// reliabilities returns, for each voxel, the share of its variance over trials that
// repeats of an image have in common: 1 less the variance of repeats about their image's
// mean over the variance of all trials, drawn towards the voxels' mean as far as chance
// explains that voxels differ, and leastReliability at least. Without repeats nothing is
// known, and every share is 1.
func reliabilities(ctx context.Context, trials blas32.General, images []int, z *ZScore) ([]float32, error) {
	within, freedom := make([]float64, trials.Cols), 0
	for _, group := range trialsByImage(images) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(group) < 2 {
			continue
		}
		freedom += len(group) - 1
		mean := make([]float64, trials.Cols)
		for _, trial := range group {
			for v, x := range matrix.Row(trials, trial) {
				mean[v] += float64(x) / float64(len(group))
			}
		}
		for _, trial := range group {
			for v, x := range matrix.Row(trials, trial) {
				d := (float64(x) - mean[v]) * float64(z.Scale[v])
				within[v] += d * d
			}
		}
	}
	return shares(within, freedom, trials.Rows-1), nil
}

// shares turns the sums of squares within images into reliabilities. Let q be the part of
// a voxel's squares within images, of f of n degrees of freedom. As a ratio of two sums of
// squares it has the sampling variance 2(q(1−q))²·(1/f + 1/(n−f)) to first order, and the
// reliability is 1 − q·n/f. What this explains of the variance of reliabilities over voxels
// is taken away, as empirical Bayes does (Efron & Morris 1975, J Am Stat Assoc 70). Few
// repeats would else make weights of noise.
func shares(within []float64, freedom, all int) []float32 {
	out := make([]float32, len(within))
	if freedom == 0 {
		for v := range out {
			out[v] = 1
		}
		return out
	}
	raw := make([]float64, len(within))
	f, n := float64(freedom), float64(all)
	var chance float64
	for v, squares := range within {
		raw[v] = 1 - squares/f
		q := min(squares/n, 1)
		deviation := q * (1 - q) * n / f
		chance += 2 * deviation * deviation * (1/f + 1/(n-f)) / float64(len(within))
	}
	mean, variance := stat.PopMeanVariance(raw, nil)
	kept := 0.
	if variance > chance {
		kept = 1 - chance/variance
	}
	for v, share := range raw {
		out[v] = float32(max(leastReliability, mean+kept*(share-mean)))
	}
	return out
}
