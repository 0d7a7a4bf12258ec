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
// Made of standard operators, each pass over a large matrix costs as much as a good
// part of a matrix product, so values and moments are kept scaled during an epoch,
// such that nothing has to be multiplied that can be divided out. The operator AdamW
// of package ort computes the same form in one pass. Let g be a step's gradient, d its
// decay 1-lr·λ, D the product of the d of the epoch so far, and L_j =
// β2^(-(j+1)/2) for the epoch's steps j = 0, 1, …. The gradients g̃ = L·g arrive
// scaled because the loss's own gradient is L instead of 1, and
//
//	V = v·L²/(1-β2)   becomes   V ← V + g̃²            (no decay)
//	M = m·L/(1-β1)    becomes   M ← a·M + g̃           (no second factor)
//	P = p/D           becomes   P ← P - s·M/(√V + e)   (no decay)
//
// with the scalars a, s and e computed per step in float64. A product with the
// weights p is D times the product with P, which costs a pass over the small
// result. L grows to β2^(-S/2) in S steps: 1.65 for 1,000 steps at β2 = .999.
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
	decay     []float32 // a
	rate      []float32 // s, for parameters without decay
	rateP     []float32 // s, for parameters with decay
	scaleP    []float32 // D before the step, for parameters with decay
	eps       []float32 // e
	// What turns v into V before the epoch, and V, M and P into v, m and p after
	// it. M starts as m and P as p.
	openV, closeV, closeM, closeP float32
}

// scalars computes the numbers for len(lr) steps that follow steps earlier ones.
func (a AdamW) scalars(lr, beta1 []float64, steps int) (scalars, error) {
	n := len(lr)
	if n == 0 || len(beta1) != n {
		return scalars{}, fmt.Errorf("grad: an epoch needs a learning rate and a beta1 for each step, has %d and %d", n, len(beta1))
	}
	if !(a.Beta2 > 0 && a.Beta2 < 1) {
		return scalars{}, fmt.Errorf("grad: beta2 is %v, want it between 0 and 1", a.Beta2)
	}
	for j := range n {
		if !(beta1[j] >= 0 && beta1[j] < 1) || math.IsNaN(lr[j]) || math.IsInf(lr[j], 0) {
			return scalars{}, fmt.Errorf("grad: step %d has learning rate %v and beta1 %v, want a finite rate and 0 ≤ beta1 < 1", j, lr[j], beta1[j])
		}
	}
	if math.Pow(a.Beta2, -float64(n)/2) > maxGrowth {
		return scalars{}, fmt.Errorf("grad: %d steps in one epoch are too many for beta2 %v, want at most %d", n, a.Beta2,
			int(-2*math.Log(maxGrowth)/math.Log(a.Beta2)))
	}
	var s scalars
	unscale := 1.0 // m = M·unscale after the step before
	decayed := 1.0 // D after the step before
	for j := range n {
		t := float64(steps + j + 1)
		growth := math.Pow(a.Beta2, -float64(j+1)/2)
		b1 := beta1[j]
		s.gradScale = append(s.gradScale, float32(growth))
		s.decay = append(s.decay, float32(b1*unscale*growth/(1-b1)))
		unscale = (1 - b1) / growth
		root := math.Sqrt((1-a.Beta2)/(1-math.Pow(a.Beta2, t))) / growth // √v̂ = root·√V
		rate := lr[j] * unscale / ((1 - math.Pow(b1, t)) * root)
		s.rate = append(s.rate, float32(rate))
		s.eps = append(s.eps, float32(a.Eps/root))
		s.scaleP = append(s.scaleP, float32(decayed))
		decayed *= 1 - lr[j]*a.WeightDecay
		if decayed < 1/maxGrowth {
			return scalars{}, fmt.Errorf("grad: weight decay %v shrinks weights by a factor of more than %g in one epoch; want a lower learning rate than %v",
				a.WeightDecay, maxGrowth, lr[j])
		}
		s.rateP = append(s.rateP, float32(rate/decayed))
	}
	s.openV = float32(1 / (1 - a.Beta2))
	s.closeV = float32((1 - a.Beta2) * math.Pow(a.Beta2, float64(n)))
	s.closeM = float32(unscale)
	s.closeP = float32(decayed)
	return s, nil
}

// tensors returns the scalars under the names of the epoch's inputs, in the form
// that the operators of the standard set need.
func (s scalars) tensors() ort.Tensors {
	out := ort.Tensors{}
	for name, v := range map[string][]float32{
		gradScale: s.gradScale, decayM: s.decay, rate: s.rate, rateP: s.rateP, scaleP: s.scaleP, eps: s.eps,
	} {
		out[name] = &ort.Tensor{Shape: []int64{int64(len(v))}, Data: v}
	}
	for name, v := range map[string]float32{openV: s.openV, closeV: s.closeV, closeM: s.closeM, closeP: s.closeP} {
		out[name] = &ort.Tensor{Shape: []int64{}, Data: []float32{v}}
	}
	return out
}

// fused returns the scalars in the form that the operator AdamW needs: for each
// step the factors of one update, which open the scaled form in the first step and
// close it in the last.
func (s scalars) fused() ort.Tensors {
	n := len(s.rate)
	pack := func(rate []float32, closeP float32) *ort.Tensor {
		rows := make([]float32, 0, n*ort.AdamWScalars)
		for j := range n {
			row := []float32{s.decay[j], rate[j], s.eps[j], 1, 1, 1, 1}
			if j == 0 {
				row[3] = s.openV
			}
			if j == n-1 {
				copy(row[4:], []float32{s.closeM, s.closeV, closeP})
			}
			rows = append(rows, row...)
		}
		return &ort.Tensor{Shape: []int64{int64(n), ort.AdamWScalars}, Data: rows}
	}
	perStep := func(v []float32) *ort.Tensor { return &ort.Tensor{Shape: []int64{int64(n)}, Data: v} }
	return ort.Tensors{
		gradScale: perStep(s.gradScale), scaleP: perStep(s.scaleP),
		fusedStep: pack(s.rate, 1), fusedStepP: pack(s.rateP, s.closeP),
	}
}

// The names of the optimiser's inputs.
const (
	gradScale  = "adamw.gradient_scale"
	decayM     = "adamw.decay_m"
	rate       = "adamw.rate"
	rateP      = "adamw.rate_decayed"
	scaleP     = "adamw.scale_p"
	eps        = "adamw.eps"
	openV      = "adamw.open_v"
	closeV     = "adamw.close_v"
	closeM     = "adamw.close_m"
	closeP     = "adamw.close_p"
	fusedStep  = "adamw.step"
	fusedStepP = "adamw.step_decayed"
)

// triple names a parameter block's value and moments.
type triple struct{ p, m, v string }

// decays says whether a parameter decays.
func (a AdamW) decays(p *Param) bool { return p.Decay && a.WeightDecay != 0 }

// update emits one step on a block of p with gradient g (scaled) and returns the
// new values. step gives the name of a per-step scalar.
func (a AdamW) update(e *emitter, p *Param, old triple, g string, step func(name string) string) triple {
	var next triple
	next.m = e.add("Add", nil, e.add("Mul", nil, old.m, step(decayM)), g)
	next.v = e.add("Add", nil, old.v, e.add("Mul", nil, g, g))
	root := e.add("Add", nil, e.add("Sqrt", nil, next.v), step(eps))
	s := rate
	if a.decays(p) {
		s = rateP
	}
	next.p = e.add("Sub", nil, old.p, e.add("Mul", nil, e.add("Div", nil, next.m, root), step(s)))
	return next
}
