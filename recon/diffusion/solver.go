package diffusion

import "cmp"

// Method is a way to solve the differential equation from noise to a clean
// latent.
type Method string

// The methods.
const (
	// DDIM is of first order, without added noise (Song et al. 2021, arXiv
	// 2010.02502, equation 12 with σ = 0).
	DDIM Method = "ddim"
	// Euler is of first order and visits times between training steps (Karras et
	// al. 2022, arXiv 2206.00364, algorithm 1 without its correction). Euler's step
	// in the frame of growing variance is DDIM's in the frame of constant variance.
	Euler Method = "euler"
	// DPMSolver is DPM-Solver++(2M), of second order from the step before (Lu et
	// al. 2022, arXiv 2211.01095, algorithm 2).
	DPMSolver Method = "dpm++2m"
	// UniPC predicts with up to three steps and corrects each step once the network
	// has seen where it led (Zhao et al. 2023, arXiv 2302.04867, B₂(h) = eʰ - 1).
	UniPC Method = "unipc"
)

// Methods returns all methods, the default first.
func Methods() []Method { return []Method{DDIM, Euler, DPMSolver, UniPC} }

// maxOrder is the highest order of UniPC.
const maxOrder = 3

// Solving says how the way from noise to a clean latent is gone. The zero value of
// a field but Steps is its default.
type Solving struct {
	Method  Method  // "" means DDIM
	Steps   int     // 1 to the schedule's own number
	Spacing Spacing // "" means Trailing
	Offset  int     // added to the steps of Leading; 1 in Stable Diffusion
	Karras  bool    // spaces the noise as Karras et al. do, from end to end; not for DDIM
	Order   int     // of UniPC, 1 to 3; 0 means 2
}

// Solver goes from noise to a clean latent, step by step. It is for one
// goroutine and one way; its memory does not grow with the steps.
type Solver struct {
	schedule *Schedule
	how      Solving
	nodes    []node
	first    int         // the node at which the way begins
	at       int         // the node that comes next
	clean    [][]float32 // clean latents that were predicted, the newest first
	before   []float32   // the latent at the node before, corrected; of UniPC
	order    int         // of the step before; of UniPC
}

// Solver returns what goes from noise to a clean latent.
func (s *Schedule) Solver(how Solving) (*Solver, error) {
	how.Method, how.Spacing = cmp.Or(how.Method, DDIM), cmp.Or(how.Spacing, Trailing)
	how.Order = cmp.Or(how.Order, 2)
	if err := how.check(); err != nil {
		return nil, err
	}
	nodes, err := s.nodes(how)
	if err != nil {
		return nil, err
	}
	return &Solver{schedule: s, how: how, nodes: nodes}, nil
}

// Left returns the number of steps that are left.
func (v *Solver) Left() int { return len(v.nodes) - 1 - v.at }

// Time returns the time of the next step, in training steps, which the network is
// told. A step must be left.
func (v *Solver) Time() float64 { return v.nodes[v.at].time }

// Mix returns the factors of the signal and of the noise in the latent before the
// next step.
func (v *Solver) Mix() (signal, noise float64) {
	return v.nodes[v.at].signal, v.nodes[v.at].noise
}

// Clean returns the clean latent that the network predicted last, which the next
// step overwrites.
func (v *Solver) Clean() []float32 { return v.clean[0] }

// Step takes the latent x one step further, in place, along the network's
// prediction for x at Time. A step must be left.
func (v *Solver) Step(x, prediction []float32) {
	newest := v.push(len(x))
	v.schedule.clean(v.nodes[v.at], x, prediction, newest)
	if v.how.Method == UniPC && v.at > v.first {
		v.correct(x)
	}
	switch {
	case v.nodes[v.at+1].noise == 0:
		copy(x, newest)
	case v.how.Method == DPMSolver && v.at > v.first:
		v.secondOrder(x)
	case v.how.Method == UniPC:
		v.predict(x)
	default:
		v.firstOrder(x)
	}
	v.at++
}

// push makes room for the next clean latent before the others, in the memory of the
// oldest one, when there are as many as the method looks back to.
func (v *Solver) push(n int) []float32 {
	kept := 1
	switch v.how.Method {
	case DPMSolver:
		kept = 2
	case UniPC:
		kept = v.how.Order + 1
	}
	if len(v.clean) < kept {
		v.clean = append(v.clean, make([]float32, n))
	}
	oldest := v.clean[len(v.clean)-1]
	copy(v.clean[1:], v.clean)
	v.clean[0] = oldest
	return oldest
}

// firstOrder goes to the next node with the noise that x has now.
func (v *Solver) firstOrder(x []float32) {
	from, to := v.nodes[v.at], v.nodes[v.at+1]
	for i, clean := range v.clean[0] {
		noise := (float64(x[i]) - from.signal*float64(clean)) / from.noise
		x[i] = float32(to.signal*float64(clean) + to.noise*noise)
	}
}

// secondOrder goes to the next node with the clean latent extrapolated from the
// last two predictions.
func (v *Solver) secondOrder(x []float32) {
	before, from, to := v.nodes[v.at-1], v.nodes[v.at], v.nodes[v.at+1]
	h := to.lambda() - from.lambda()
	ahead := h / (from.lambda() - before.lambda()) / 2
	for i, clean := range v.clean[0] {
		clean := float64(clean) + ahead*(float64(clean)-float64(v.clean[1][i]))
		noise := (float64(x[i]) - from.signal*clean) / from.noise
		x[i] = float32(to.signal*clean + to.noise*noise)
	}
}
