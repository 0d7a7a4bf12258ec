package diffusion

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// bridge is a step of UniPC between two nodes, written in h, the step of half the
// logarithm of the signal-to-noise ratio (Zhao et al. 2023, arXiv 2302.04867,
// section 3). φ are its exponential integrals for a network that predicts clean
// latents.
type bridge struct {
	keep   float64   // factor of the latent
	clean  float64   // factor of the newest clean latent
	past   float64   // factor of the weighted differences of clean latents
	ratios []float64 // of the nodes before, in steps of h, negative
	h      float64
}

// bridge returns the step from node `at` to the next one, which looks back to so
// many nodes before.
func (v *Solver) bridge(at, before int) bridge {
	from, to := v.nodes[at], v.nodes[at+1]
	b := bridge{h: to.lambda() - from.lambda()}
	for i := 1; i <= before; i++ {
		b.ratios = append(b.ratios, (v.nodes[at-i].lambda()-from.lambda())/b.h)
	}
	phi := math.Expm1(-b.h)
	b.keep, b.clean = to.noise/from.noise, -to.signal*phi
	b.past = -to.signal * phi // B₂(h)
	return b
}

// weights solves the equations that make the step exact for polynomials: n of
// them, in the nodes before and, where n is one more, the node ahead.
func (b *bridge) weights(n int) []float64 {
	if n == 1 {
		return []float64{.5} // of second order for either, without the equations
	}
	nodes := append(append([]float64{}, b.ratios...), 1)[:n]
	rows, right := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
	h, factorial := -b.h, 1.
	phi := math.Expm1(h)/h - 1
	for k := range n {
		for j, r := range nodes {
			rows.Set(k, j, math.Pow(r, float64(k)))
		}
		right.SetVec(k, phi*factorial/math.Expm1(h))
		factorial *= float64(k + 2)
		phi = phi/h - 1/factorial
	}
	var solved mat.VecDense
	if err := solved.SolveVec(rows, right); err != nil {
		return make([]float64, n) // nodes that are one: the step is of first order
	}
	return solved.RawVector().Data
}

// predict goes to the next node by the clean latents so far.
func (v *Solver) predict(x []float32) {
	v.order = min(v.how.Order, v.Left(), v.at-v.first+1)
	b := v.bridge(v.at, v.order-1)
	var weights []float64
	if v.order > 1 {
		weights = b.weights(v.order - 1)
	}
	if v.before == nil {
		v.before = make([]float32, len(x))
	}
	copy(v.before, x)
	for i := range x {
		newest := float64(v.clean[0][i])
		var past float64
		for k, w := range weights {
			past += w * (float64(v.clean[k+1][i]) - newest) / b.ratios[k]
		}
		x[i] = float32(b.keep*float64(x[i]) + b.clean*newest + b.past*past)
	}
}

// correct goes the last step again, now that the network has predicted the clean
// latent ahead.
func (v *Solver) correct(x []float32) {
	b := v.bridge(v.at-1, v.order-1)
	weights := b.weights(v.order)
	for i := range x {
		newest := float64(v.clean[1][i])
		past := weights[v.order-1] * (float64(v.clean[0][i]) - newest)
		for k, w := range weights[:v.order-1] {
			past += w * (float64(v.clean[k+2][i]) - newest) / b.ratios[k]
		}
		x[i] = float32(b.keep*float64(v.before[i]) + b.clean*newest + b.past*past)
	}
}
