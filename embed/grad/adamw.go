package grad

import (
	"fmt"
	"math"

	"engram/embed/ort"
)

// AdamW is the optimiser of Loshchilov and Hutter 2019 (arXiv 1711.05101,
// algorithm 2), with the conventions of torch.optim.AdamW: weight decay is
// multiplied by the learning rate, and the bias correction of step t uses that
// step's β1. The learning rate and β1 are given for every step (see Inputs).
//
// # The scaled form
//
// A pass over a large matrix costs as much as a good part of a matrix product,
// so the moments are kept scaled during an epoch. With L_j = β2^(-(j+1)/2) for
// its steps j = 0, 1, …, the gradients g̃ = L·g arrive scaled because the
// loss's own gradient is L instead of 1, and
//
//	V = v·L²/(1-β2)   becomes   V ← V + g̃²           (no decay to apply)
//	M = m·L/(1-β1)    becomes   M ← a·M + g̃          (one decay, no second factor)
//	p ← d·p - s·M/(√V + e)
//
// with the scalars a, d, s, e computed per step in float64. L grows to
// β2^(-S/2) in S steps: 1.65 for 1,000 steps at β2 = .999.
type AdamW struct {
	Beta2       float64 // decay of the squared gradients; 0 means .999
	Eps         float64 // 0 means 1e-8
	WeightDecay float64 // of parameters with Decay; 0 is none
}

// maxGrowth bounds L, so that scaled gradients and their squares stay far from
// the ends of float32.
const maxGrowth = 1e6

func (a AdamW) withDefaults() AdamW {
	if a.Beta2 == 0 {
		a.Beta2 = .999
	}
	if a.Eps == 0 {
		a.Eps = 1e-8
	}
	return a
}

// scalars are the per-step numbers of an epoch in the scaled form.
type scalars struct {
	gradScale []float32 // L
	decayM    []float32 // a
	decayP    []float32 // d
	rate      []float32 // s
	eps       []float32 // e
	// What turns v into V before the epoch, V into v and M into m after it. M
	// starts as m.
	openV, closeV, closeM float32
}

// scalars computes the numbers for len(lr) steps that follow steps earlier ones.
func (a AdamW) scalars(lr, beta1 []float64, steps int) (scalars, error) {
	n := len(lr)
	if n == 0 || len(beta1) != n {
		return scalars{}, fmt.Errorf("grad: an epoch needs a learning rate and a beta1 for each step, has %d and %d", n, len(beta1))
	}
	if math.Pow(a.Beta2, -float64(n)/2) > maxGrowth {
		return scalars{}, fmt.Errorf("grad: %d steps in one epoch are too many for beta2 %v, want at most %d", n, a.Beta2,
			int(-2*math.Log(maxGrowth)/math.Log(a.Beta2)))
	}
	var s scalars
	unscale := 1.0 // m = M·unscale after the step before
	for j := range n {
		t := float64(steps + j + 1)
		growth := math.Pow(a.Beta2, -float64(j+1)/2)
		b1 := beta1[j]
		s.gradScale = append(s.gradScale, float32(growth))
		s.decayM = append(s.decayM, float32(b1*unscale*growth/(1-b1)))
		unscale = (1 - b1) / growth
		root := math.Sqrt((1-a.Beta2)/(1-math.Pow(a.Beta2, t))) / growth // √v̂ = root·√V
		s.rate = append(s.rate, float32(lr[j]*unscale/((1-math.Pow(b1, t))*root)))
		s.eps = append(s.eps, float32(a.Eps/root))
		s.decayP = append(s.decayP, float32(1-lr[j]*a.WeightDecay))
	}
	s.openV = float32(1 / (1 - a.Beta2))
	s.closeV = float32((1 - a.Beta2) * math.Pow(a.Beta2, float64(n)))
	s.closeM = float32(unscale)
	return s, nil
}

// tensors returns the scalars under the names of the epoch's inputs.
func (s scalars) tensors() ort.Tensors {
	out := ort.Tensors{}
	for name, v := range map[string][]float32{
		gradScale: s.gradScale, decayM: s.decayM, decayP: s.decayP, rate: s.rate, eps: s.eps,
	} {
		out[name] = &ort.Tensor{Shape: []int64{int64(len(v))}, Data: v}
	}
	for name, v := range map[string]float32{openV: s.openV, closeV: s.closeV, closeM: s.closeM} {
		out[name] = &ort.Tensor{Shape: []int64{}, Data: []float32{v}}
	}
	return out
}

// The names of the optimiser's inputs.
const (
	gradScale = "adamw.gradient_scale"
	decayM    = "adamw.decay_m"
	decayP    = "adamw.decay_p"
	rate      = "adamw.rate"
	eps       = "adamw.eps"
	openV     = "adamw.open_v"
	closeV    = "adamw.close_v"
	closeM    = "adamw.close_m"
)

// triple names a parameter block's value and moments.
type triple struct{ p, m, v string }

// update emits one step on a block with gradient g (scaled) and returns the new
// values. step gives the name of a per-step scalar.
func (a AdamW) update(e *emitter, old triple, g string, decay bool, step func(name string) string) triple {
	var next triple
	next.m = e.add("Add", nil, e.add("Mul", nil, old.m, step(decayM)), g)
	next.v = e.add("Add", nil, old.v, e.add("Mul", nil, g, g))
	root := e.add("Add", nil, e.add("Sqrt", nil, next.v), step(eps))
	move := e.add("Mul", nil, e.add("Div", nil, next.m, root), step(rate))
	p := old.p
	if decay && a.WeightDecay != 0 {
		p = e.add("Mul", nil, p, step(decayP))
	}
	next.p = e.add("Sub", nil, p, move)
	return next
}
