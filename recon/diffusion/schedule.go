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

// maxBeta bounds the β of the cosine schedule.
const maxBeta = .999

// New returns the schedule of a denoiser's model, by the formulas of the
// diffusers library: β rises linearly, or its square root does
// ("scaled_linear", Rombach et al. 2022, arXiv 2112.10752), or ᾱ falls as a
// squared cosine ("cosine", Nichol and Dhariwal 2021, arXiv 2102.09672, section
// 3.2), which leaves BetaStart and BetaEnd without use.
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

// Split returns what a network's prediction for the noisy latent x of a step
// means: the clean latent and the noise. All have the same length.
func (s *Schedule) Split(step int, x, prediction []float32) (clean, noise []float32) {
	a, b := s.At(step)
	clean, noise = make([]float32, len(x)), make([]float32, len(x))
	for i := range x {
		z, p := float64(x[i]), float64(prediction[i])
		var x0, e float64
		switch s.prediction {
		case "epsilon":
			x0, e = (z-b*p)/a, p
		case "sample":
			x0, e = p, (z-a*p)/b
		case "v": // v = √ᾱ·ε - √(1-ᾱ)·x₀ (Salimans and Ho 2022, arXiv 2202.00512)
			x0, e = a*z-b*p, b*z+a*p
		}
		clean[i], noise[i] = float32(x0), float32(e)
	}
	return clean, noise
}

// Spread returns n of the training's steps from the noisiest to the cleanest,
// evenly spaced and with the last one first ("trailing" in diffusers; Lin et al.
// 2024, arXiv 2305.08891, section 3.3).
func (s *Schedule) Spread(n int) ([]int, error) {
	if n < 1 || n > len(s.alphaBar) {
		return nil, fmt.Errorf("diffusion: wanted 1 to %d steps, found %d", len(s.alphaBar), n)
	}
	steps := make([]int, n)
	for i := range steps {
		steps[i] = int(math.RoundToEven(float64(len(s.alphaBar))*float64(n-i)/float64(n))) - 1
	}
	return steps, nil
}
