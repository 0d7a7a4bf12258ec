package nn

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
)

// Start is what a parameter's elements begin with.
type Start struct {
	mean, deviation float64 // of a normal distribution
	bound           float64 // where it is not 0: uniform in ±bound instead
	values          []float32
}

// Constant begins with one value everywhere.
func Constant(value float64) Start { return Start{mean: value} }

// Normal begins with draws of mean 0 and a standard deviation.
func Normal(deviation float64) Start { return Start{deviation: deviation} }

// Uniform begins with draws between -bound and bound.
func Uniform(bound float64) Start { return Start{bound: bound} }

// Values begins with given values, one for each element.
func Values(values []float32) Start { return Start{values: values} }

// fill draws the values. Constants and given values draw nothing.
func (s Start) fill(rng *rand.Rand, values []float32) {
	switch {
	case s.values != nil:
		copy(values, s.values)
	case s.bound != 0:
		for i := range values {
			values[i] = float32(s.bound * (2*rng.Float64() - 1))
		}
	case s.deviation != 0:
		for i := range values {
			values[i] = float32(s.mean + s.deviation*rng.NormFloat64())
		}
	default:
		for i := range values {
			values[i] = float32(s.mean)
		}
	}
}

// hash seeds the stream of a parameter.
func hash(name string) uint64 {
	sum := fnv.New64a()
	sum.Write([]byte(name)) // which cannot fail
	return sum.Sum64()
}

// LinearStart is what weight and bias of a linear layer with in inputs begin with.
type LinearStart func(in int) (weight, bias Start)

// ScaledNormal begins with normal weights and a bias of zero, such that outputs
// have about gain times the standard deviation of the inputs.
func ScaledNormal(gain float64) LinearStart {
	return func(in int) (weight, bias Start) { return Normal(gain / math.Sqrt(float64(in))), Constant(0) }
}

// FanIn begins with weight and bias uniform in ±1/√in, as PyTorch's nn.Linear.
func FanIn(in int) (weight, bias Start) {
	bound := Uniform(1 / math.Sqrt(float64(in)))
	return bound, bound
}

// Zeros begins with a layer whose output is zero.
func Zeros(int) (weight, bias Start) { return Constant(0), Constant(0) }

// Style says how a network begins and what decays.
type Style struct {
	Linear LinearStart            // of linear layers, unless they name another one
	Decays func(name string) bool // whether weight decay applies to a parameter
}

// TransformerStyle is how transformers are trained: scaled normal weights, and decay
// of the matrices of linear layers alone.
func TransformerStyle() Style {
	return Style{Linear: ScaledNormal(1), Decays: func(name string) bool { return strings.HasSuffix(name, ".weight") }}
}

// PyTorchStyle is how networks of PyTorch's nn.Linear are trained with one decay
// for all but biases, as MindEye's (Scotti et al. 2023, arXiv
// 2305.18274, Train_MindEye.py).
func PyTorchStyle() Style {
	return Style{Linear: FanIn, Decays: func(name string) bool { return !strings.HasSuffix(name, ".bias") }}
}
