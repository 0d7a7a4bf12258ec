package diffusion

import (
	"context"
	"fmt"

	"engram/data/progress"
	"engram/embed"
)

// Sampling says how latents are drawn.
type Sampling struct {
	Solving
	// Guidance is the weight of the condition: 0 ignores it, 1 takes the network
	// at its word, and more exaggerates what the condition changes.
	Guidance float64
	// Start are clean latents to begin from, after as much noise has been added as
	// is left at the first step that is taken; nil begins from noise alone. They are
	// not changed.
	Start []float32
	// Strength is the share of the steps that is taken from Start, above 0 and up
	// to 1; of 20 steps at .85 the last 17.
	Strength float64
	Progress progress.Func // told of every step, in the stage SamplingStage
	// Watch is told of every step that was taken, from 1 on, and of the clean
	// latents that the network predicted there. They are its own until it returns;
	// an error ends the sampling. It may be nil.
	Watch func(step int, clean []float32) error
}

// SamplingStage is the stage of Sample in progress reports.
const SamplingStage = "sampling"

// Predict returns what a network predicts for the noisy latents x at a time, in
// training steps, with its condition or without. The result has the length of x; the
// caller may change it, and the next call with the same condition may overwrite it. x is
// not to be changed.
type Predict func(ctx context.Context, x []float32, time float64, conditioned bool) ([]float32, error)

// Sample turns x from noise, normal numbers, into clean latents, along
// predictions that are guided without a classifier: p = without + w·(with −
// without) (Ho and Salimans 2022, arXiv 2207.12598, equation 6, whose w is one
// less). At a guidance of 1 the network runs once a step, else twice. When ctx
// ends, so does Sample, before the next run of the network; x is then of no use.
// A prediction that is not finite is refused (embed.ErrNotFinite).
func (s *Schedule) Sample(ctx context.Context, x []float32, how Sampling, predict Predict) error {
	solver, err := s.Solver(how.Solving)
	if err != nil {
		return err
	}
	if err := solver.begin(x, how); err != nil {
		return err
	}
	steps := solver.Left()
	sampled := how.Progress.Stage(SamplingStage, "steps", int64(steps))
	for i := range steps {
		prediction, err := guided(ctx, x, solver.Time(), float32(how.Guidance), predict)
		if err != nil {
			return err
		}
		if at := embed.FirstNotFinite(prediction); at >= 0 {
			return fmt.Errorf("diffusion: the prediction at step %d of %d has %v at element %d: %w", i+1, steps, prediction[at], at, embed.ErrNotFinite)
		}
		solver.Step(x, prediction)
		if how.Watch != nil {
			if err := how.Watch(i+1, solver.Clean()); err != nil {
				return err
			}
		}
		sampled(int64(i+1), int64(steps))
	}
	return nil
}

// begin turns x from noise into the latent before the first step: noise as it is,
// or the start with noise.
func (v *Solver) begin(x []float32, how Sampling) error {
	if how.Start == nil {
		return nil
	}
	if len(how.Start) != len(x) {
		return fmt.Errorf("diffusion: the start has %d elements, the noise has %d", len(how.Start), len(x))
	}
	taken, err := v.Taken(how.Strength)
	if err != nil {
		return err
	}
	v.first = v.Left() - taken
	v.at = v.first
	signal, noise := v.Mix()
	for i, start := range how.Start {
		x[i] = float32(signal*float64(start) + noise*float64(x[i]))
	}
	return nil
}

// Taken returns how many of a solver's steps are taken from a start at a strength, 1 or
// more; a strength that leaves none is refused.
func (v *Solver) Taken(strength float64) (int, error) {
	if !(strength > 0 && strength <= 1) {
		return 0, fmt.Errorf("diffusion: strength is %v, wanted a number above 0 and up to 1", strength)
	}
	steps := len(v.nodes) - 1
	taken := int(float64(steps) * strength)
	if taken == 0 {
		return 0, fmt.Errorf("diffusion: a strength of %v leaves none of %d steps, wanted %.3g or more", strength, steps, 1/float64(steps))
	}
	return taken, nil
}

// guided returns the prediction that x moves along.
func guided(ctx context.Context, x []float32, time float64, guidance float32, predict Predict) ([]float32, error) {
	run := func(conditioned bool) ([]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := predict(ctx, x, time, conditioned)
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
