package diffusion

import (
	"fmt"
	"math"

	"engram/embed/model"
)

// Schedule is a noise schedule: how much of the signal and of the noise a latent
// has at each step of the training, and what the network was trained to predict.
type Schedule struct {
	prediction string    // epsilon, v or sample
	alphaBar   []float64 // ᾱ of each step, falling: the share of the signal's variance
}

const (
	maxBeta     = .999  // of the cosine schedule
	minAlphaBar = 1e-30 // above which float32 still holds what a prediction of ε means
)

// New returns the schedule of a denoiser's model, by the formulas of the
// diffusers library: β rises linearly, or its square root does
// ("scaled_linear", Rombach et al. 2022, arXiv 2112.10752), or ᾱ falls as a
// squared cosine ("cosine", squaredcos_cap_v2 in diffusers; Nichol and Dhariwal
// 2021, arXiv 2102.09672, section 3.2), which leaves BetaStart and BetaEnd
// without use. Betas that leave the first step without noise or the last one without
// signal are refused: a solver divides by both.
func New(s model.Scheduler) (*Schedule, error) {
	if s.Steps < 1 {
		return nil, fmt.Errorf("diffusion: a schedule has %d steps, wanted 1 or more", s.Steps)
	}
	switch s.Prediction {
	case "epsilon", "v", "sample":
	default:
		return nil, fmt.Errorf("diffusion: prediction is %q, wanted epsilon, v or sample", s.Prediction)
	}
	out := &Schedule{prediction: s.Prediction, alphaBar: make([]float64, s.Steps)}
	alphaBar := 1.
	for i := range s.Steps {
		beta, err := betaOf(s, i)
		if err != nil {
			return nil, err
		}
		alphaBar *= 1 - beta
		out.alphaBar[i] = alphaBar
	}
	switch {
	case out.alphaBar[0] == 1:
		return nil, fmt.Errorf("diffusion: the first β, %v, adds no noise that float64 can hold", s.BetaStart)
	case alphaBar < minAlphaBar:
		return nil, fmt.Errorf("diffusion: a β of up to %v leaves %.3g of the signal's variance after %d steps, wanted %g or more", s.BetaEnd, alphaBar, s.Steps, minAlphaBar)
	}
	return out, nil
}

// betaOf returns β of step i.
func betaOf(s model.Scheduler, i int) (float64, error) {
	n := float64(s.Steps)
	along := float64(i) / math.Max(n-1, 1)
	switch s.BetaSchedule {
	case "linear":
		return s.BetaStart + along*(s.BetaEnd-s.BetaStart), nil
	case "scaled_linear":
		a, b := math.Sqrt(s.BetaStart), math.Sqrt(s.BetaEnd)
		return (a + along*(b-a)) * (a + along*(b-a)), nil
	case "cosine":
		bar := func(t float64) float64 {
			c := math.Cos((t + .008) / 1.008 * math.Pi / 2)
			return c * c
		}
		return min(1-bar((float64(i)+1)/n)/bar(float64(i)/n), maxBeta), nil
	}
	return 0, fmt.Errorf("diffusion: schedule is %q, wanted linear, scaled_linear or cosine", s.BetaSchedule)
}

// Steps returns the number of training steps.
func (s *Schedule) Steps() int { return len(s.alphaBar) }

// At returns the factors of the signal and of the noise in a noisy latent of a
// training step: √ᾱ and √(1-ᾱ). Step -1 is before the first: all signal.
func (s *Schedule) At(step int) (signal, noise float64) {
	if step < 0 {
		return 1, 0
	}
	return math.Sqrt(s.alphaBar[step]), math.Sqrt(1 - s.alphaBar[step])
}

// sigma returns the ratio of noise to signal at a training step.
func (s *Schedule) sigma(step int) float64 {
	return math.Sqrt((1 - s.alphaBar[step]) / s.alphaBar[step])
}

// clean writes to out the clean latent that a network's prediction for the noisy
// latent x means. All have the same length, and out may be one of them.
func (s *Schedule) clean(at node, x, prediction, out []float32) {
	a, b := at.signal, at.noise
	for i := range x {
		z, p := float64(x[i]), float64(prediction[i])
		switch s.prediction {
		case "epsilon":
			p = (z - b*p) / a
		case "v": // v = √ᾱ·ε - √(1-ᾱ)·x₀ (Salimans and Ho 2022, arXiv 2202.00512)
			p = a*z - b*p
		}
		out[i] = float32(p)
	}
}
