package diffusion

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Spacing says which of the training's steps a sampler visits, with the names of
// the diffusers library (Lin et al. 2024, arXiv 2305.08891, table 2).
type Spacing string

// The spacings.
const (
	Trailing Spacing = "trailing" // evenly, and the noisiest step is one of them
	Leading  Spacing = "leading"  // evenly from the cleanest step on, moved up by an offset
	Linspace Spacing = "linspace" // evenly, and both ends are among them
)

// Spacings returns all spacings, the default first.
func Spacings() []Spacing { return []Spacing{Trailing, Leading, Linspace} }

// node is a place on the way from noise to a clean latent: signal·clean +
// noise·ε, with signal² + noise² = 1.
type node struct {
	time          float64 // that the network is told, in training steps
	signal, noise float64
}

// lambda is half the logarithm of the signal-to-noise ratio.
func (n node) lambda() float64 { return math.Log(n.signal / n.noise) }

// nodeOf returns the node of a ratio of noise to signal.
func nodeOf(time, sigma float64) node {
	signal := 1 / math.Sqrt(1+sigma*sigma)
	return node{time, signal, sigma * signal}
}

// nodes returns the places that a sampler visits, from the noisiest to the
// clean one, which is the last.
func (s *Schedule) nodes(o Solving) ([]node, error) {
	if o.Steps < 1 || o.Steps > len(s.alphaBar) {
		return nil, fmt.Errorf("diffusion: wanted 1 to %d steps, found %d", len(s.alphaBar), o.Steps)
	}
	times, err := s.times(o)
	if err != nil {
		return nil, err
	}
	sigmas := make([]float64, len(times))
	for i, t := range times {
		sigmas[i] = s.sigmaAt(t)
	}
	if o.Karras {
		most, least := s.sigma(len(s.alphaBar)-1), s.sigma(0)
		if o.Method == Euler {
			most, least = sigmas[0], sigmas[len(sigmas)-1]
		}
		sigmas = karras(most, least, o.Steps)
		for i, sigma := range sigmas {
			times[i] = s.timeOf(sigma)
			if o.Method != Euler {
				times[i] = math.RoundToEven(times[i])
			}
		}
	}
	nodes := make([]node, 0, len(times)+1)
	for i, t := range times {
		nodes = append(nodes, nodeOf(t, sigmas[i]))
	}
	return append(nodes, node{signal: 1}), nil
}

// times returns the training steps that a sampler visits, falling. The methods
// of several steps divide the way by one more than the others, where the cleanest
// step would be the last: their way ends beyond it.
func (s *Schedule) times(o Solving) ([]float64, error) {
	all, n := len(s.alphaBar), o.Steps
	parts := n
	if o.Method == DPMSolver || o.Method == UniPC {
		parts++
	}
	if o.Spacing != Trailing && parts > all && n > 1 {
		return nil, fmt.Errorf("diffusion: %d steps of %s with %s would visit a training step twice, wanted 1 to %d", n, o.Method, o.Spacing, all-1)
	}
	times := make([]float64, n)
	for i := range times {
		left := float64(parts - 1 - i)
		switch o.Spacing {
		case Trailing:
			times[i] = math.RoundToEven(float64(all)*float64(n-i)/float64(n)) - 1
		case Leading:
			times[i] = left*float64(all/parts) + float64(o.Offset)
		case Linspace:
			if parts > 1 {
				times[i] = left * float64(all-1) / float64(parts-1)
			}
			if o.Method != Euler {
				times[i] = math.RoundToEven(times[i])
			}
		default:
			return nil, fmt.Errorf("diffusion: spacing is %q, wanted one of %q", o.Spacing, Spacings())
		}
	}
	if last := float64(all - 1); times[0] > last {
		return nil, fmt.Errorf("diffusion: an offset of %d leads beyond the last training step, %v", o.Offset, last)
	}
	return times, nil
}

// sigmaAt returns the ratio of noise to signal at a time between training steps,
// interpolated.
func (s *Schedule) sigmaAt(time float64) float64 {
	low := int(time)
	if part := time - float64(low); part > 0 {
		return (1-part)*s.sigma(low) + part*s.sigma(low+1)
	}
	return s.sigma(low)
}

// timeOf returns the time at which the ratio of noise to signal is sigma,
// interpolated by its logarithm.
func (s *Schedule) timeOf(sigma float64) float64 {
	above := sort.Search(len(s.alphaBar), func(i int) bool { return s.sigma(i) > sigma })
	low := min(max(above-1, 0), len(s.alphaBar)-2)
	if low < 0 {
		return 0
	}
	a, b := math.Log(s.sigma(low)), math.Log(s.sigma(low+1))
	return float64(low) + min(max((math.Log(sigma)-a)/(b-a), 0), 1)
}

// karras returns n ratios of noise to signal from most to least, whose seventh
// roots are evenly spaced (Karras et al. 2022, arXiv 2206.00364, equation 5).
func karras(most, least float64, n int) []float64 {
	const rho = 7
	a, b := math.Pow(most, 1./rho), math.Pow(least, 1./rho)
	sigmas := make([]float64, n)
	for i := range sigmas {
		sigmas[i] = math.Pow(a+float64(i)/math.Max(float64(n-1), 1)*(b-a), rho)
	}
	return sigmas
}

// check reports a choice that there is not.
func (o *Solving) check() error {
	switch {
	case !slices.Contains(Methods(), o.Method):
		return fmt.Errorf("diffusion: method is %q, wanted one of %q", o.Method, Methods())
	case o.Karras && o.Method == DDIM:
		return fmt.Errorf("diffusion: %s visits training steps alone, wanted %s, %s or %s for Karras' spacing", DDIM, Euler, DPMSolver, UniPC)
	case o.Order < 1 || o.Order > maxOrder:
		return fmt.Errorf("diffusion: order is %d, wanted 1 to %d", o.Order, maxOrder)
	case o.Offset < 0:
		return fmt.Errorf("diffusion: offset is %d, wanted 0 or more", o.Offset)
	}
	return nil
}
