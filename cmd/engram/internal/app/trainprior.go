package app

import (
	"context"
	"fmt"

	"engram/embed/scan"
	"engram/recon/prior"

	"gonum.org/v1/gonum/blas/blas32"
)

// mostPairElements bounds the elements of the tokens that a prior is trained on: 2 GB, which
// are held four times.
const mostPairElements = 512 << 20

// trainPrior trains the diffusion prior of a decoder on the predictions of training images
// that it was fitted without.
func (a *App) trainPrior(ctx context.Context, m *scan.Model, s *study, opts scan.Options) (_ *prior.Network, err error) {
	left, ok := m.LeftOut()
	if !ok {
		return nil, fmt.Errorf("--prior: a %s decoder has no predictions of images that it was fitted without, wanted one whose tokens are a ridge's", m.Config.Name())
	}
	if n := len(left.Images) * s.T * s.D; n > mostPairElements {
		return nil, fmt.Errorf("--prior: %d pairs of %d×%d tokens have %d elements, this machine's trainer holds %d at most: import a prior that was trained elsewhere",
			len(left.Images), s.T, s.D, n, mostPairElements)
	}
	parts, err := m.Components()
	if err != nil {
		return nil, err
	}
	pairs := prior.Pairs{T: s.T, D: s.D}
	if pairs.Predicted, err = parts.Tokens(ctx, left.Predicted); err != nil {
		return nil, err
	}
	if pairs.Seen, err = s.targetsOf(left.Images); err != nil {
		return nil, err
	}
	rt, err := a.Runtime(ctx, opts.Progress)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	return prior.Train(ctx, rt, pairs, prior.TrainOptions{Seed: opts.Seed, Session: opts.Session, Progress: opts.Progress})
}

// targetsOf returns the tokens of some images.
func (s *study) targetsOf(images []int) (blas32.General, error) {
	out := blas32.General{Rows: len(images), Cols: s.Targets.Cols, Stride: s.Targets.Cols, Data: make([]float32, len(images)*s.Targets.Cols)}
	for i, image := range images {
		if err := s.readTarget(out.Data[i*out.Stride:][:out.Cols], image); err != nil {
			return out, err
		}
	}
	return out, nil
}

// readTarget writes the tokens of an image to dst.
func (s *study) readTarget(dst []float32, image int) error {
	if s.Stored != nil {
		return s.Stored.Read(dst, image, 1)
	}
	copy(dst, s.Targets.Data[image*s.Targets.Stride:][:s.Targets.Cols])
	return nil
}
