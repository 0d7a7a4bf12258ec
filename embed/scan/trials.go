package scan

import (
	"context"
	"errors"
	"slices"
	"sync"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// Trials are scans that several decoders are trained on, to different targets: of images, of
// their captions, of their latents. Trainings with the same Options.Trials compute once what
// the voxels alone decide, which is most of a ridge regression's work: their statistics, the
// Gram matrix and what leaving images out for a penalty needs of it.
//
// It keeps the Gram matrix, min(trials, voxels)² in float64, between two trainings. It is safe
// for concurrent use: trainings solve their ridges one after the other.
type Trials struct {
	voxels blas32.General // [trials, V], betas as they were measured
	images []int          // for each trial the row of the targets that was seen

	mu       sync.Mutex
	zscore   *ZScore   // nil before the first training
	reliable []float32 // [V], see reliabilities; nil before the first ridge
	solver   *solver   // of z-scored voxels times their reliability; nil before the first ridge
}

// NewTrials returns the trials of Data with these voxels and images. It copies neither.
func NewTrials(voxels blas32.General, images []int) *Trials {
	return &Trials{voxels: voxels, images: images}
}

// check refuses other data.
func (t *Trials) check(data Data) error {
	v, w := t.voxels, data.Voxels
	if v.Rows != w.Rows || v.Cols != w.Cols || v.Stride != w.Stride || len(v.Data) == 0 || len(w.Data) == 0 || &v.Data[0] != &w.Data[0] {
		return errors.New("scan: the shared trials are not the voxels of the data")
	}
	if !slices.Equal(t.images, data.Images) {
		return errors.New("scan: the shared trials saw other images than the trials of the data")
	}
	return nil
}

// standard returns the z-score of the voxels.
func (t *Trials) standard(ctx context.Context) (_ *ZScore, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.zscore == nil {
		t.zscore, err = FitZScore(ctx, t.voxels)
	}
	return t.zscore, err
}

// held returns the bytes of the Gram matrix that there is already.
func (t *Trials) held() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.solver == nil {
		return 0
	}
	return t.solver.held()
}

// fit fits the ridge from z-scored voxels to the scores of what was seen, [trials, rank]. Each
// z-scored voxel is multiplied by its reliability, so that the penalty on a voxel's weight
// grows with its noise; the weights that are returned are the weights of z-scored voxels.
// Images and z-score of the options are its own.
func (t *Trials) fit(ctx context.Context, scores blas32.General, opts RidgeOptions) (*Ridge, error) {
	opts.Images = t.images
	if err := checkRidge(ctx, t.voxels, scores, opts); err != nil {
		return nil, err
	}
	z, err := t.standard(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.solver == nil {
		if err := t.prepare(ctx, z, opts); err != nil {
			return nil, err
		}
	}
	r, err := t.solver.fit(ctx, scores, opts)
	if err != nil {
		return nil, err
	}
	for v, share := range t.reliable {
		row := matrix.Row(r.Weights, v)
		for k := range row {
			row[k] *= share
		}
		r.VoxelMean[v] /= share
	}
	return r, nil
}

// prepare measures the voxels' reliability.
func (t *Trials) prepare(ctx context.Context, z *ZScore, opts RidgeOptions) error {
	reliable, err := reliabilities(ctx, t.voxels, t.images, z)
	if err != nil {
		return err
	}
	opts.ZScore = &ZScore{Mean: z.Mean, Scale: slices.Clone(z.Scale)}
	for v, share := range reliable {
		opts.ZScore.Scale[v] *= share
	}
	s, err := newSolver(ctx, t.voxels, opts)
	if err != nil {
		return err
	}
	t.reliable, t.solver = reliable, s
	return nil
}
