package diffusion

import (
	"context"
	"fmt"

	"engram/data/progress"
)

// Sampling says how latents are drawn.
type Sampling struct {
	Steps int // of DDIM, 1 to the schedule's own number
	// Guidance is the weight of the condition: 0 ignores it, 1 takes the network
	// at its word, and more exaggerates what the condition changes.
	Guidance float64
	Progress progress.Func // told of every step, in the stage SamplingStage
}

// SamplingStage is the stage of Sample in progress reports.
const SamplingStage = "sampling"

// Predict returns what a network predicts for the noisy latents x of a training
// step, with its condition or without. The result has the length of x and is the
// caller's; x is not to be changed.
type Predict func(ctx context.Context, x []float32, step int, conditioned bool) ([]float32, error)

// Sample turns x from noise, normal numbers, into clean latents, with DDIM along
// predictions that are guided without a classifier: p = without + w·(with −
// without) (Ho and Salimans 2022, arXiv 2207.12598, equation 6, whose w is one
// less). At a guidance of 1 the network runs once a step, else twice. When ctx
// ends, so does Sample, before the next run of the network; x is then of no use.
func (s *Schedule) Sample(ctx context.Context, x []float32, how Sampling, predict Predict) error {
	steps, err := s.Spread(how.Steps)
	if err != nil {
		return err
	}
	sampled := how.Progress.Stage(SamplingStage, "steps", int64(len(steps)))
	for i, step := range steps {
		prediction, err := guided(ctx, x, step, float32(how.Guidance), predict)
		if err != nil {
			return err
		}
		to := -1
		if i+1 < len(steps) {
			to = steps[i+1]
		}
		s.DDIM(x, prediction, step, to)
		sampled(int64(i+1), int64(len(steps)))
	}
	return nil
}

// guided returns the prediction that x moves along.
func guided(ctx context.Context, x []float32, step int, guidance float32, predict Predict) ([]float32, error) {
	run := func(conditioned bool) ([]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := predict(ctx, x, step, conditioned)
		if err == nil && len(p) != len(x) {
			err = fmt.Errorf("diffusion: the prediction has %d elements, the latents have %d", len(p), len(x))
		}
		return p, err
	}
	with, err := run(true)
	if err != nil || guidance == 1 {
		return with, err
	}
	without, err := run(false)
	if err != nil {
		return nil, err
	}
	for k, w := range without {
		with[k] = w + guidance*(with[k]-w)
	}
	return with, nil
}

// DDIM takes x from one training step to a cleaner one, or to -1, along the
// prediction at from: denoising diffusion implicit models without added noise
// (Song et al. 2021, arXiv 2010.02502, equation 12 with σ = 0).
func (s *Schedule) DDIM(x, prediction []float32, from, to int) {
	clean, noise := s.Split(from, x, prediction)
	a, b := s.At(to)
	for i := range x {
		x[i] = float32(a*float64(clean[i]) + b*float64(noise[i]))
	}
}
