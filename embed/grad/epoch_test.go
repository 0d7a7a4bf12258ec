package grad_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// TestAdamWAgreesWithPyTorch feeds the gradients of the golden case as the
// slopes of a linear loss, in epochs of several lengths, so that the scaled
// form is opened and closed at different steps.
func TestAdamWAgreesWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	c := embedtest.Read(t, "adamw")
	lr, beta1 := c.Numbers("lr"), c.Numbers("beta1")
	grads := c.Inputs["grads"]
	want := c.Outputs["after_each_step"]
	n := grads.Shape[1]
	for _, length := range []int{1, 4, 12} {
		g := grad.NewGraph()
		p := g.Param("p", true, n)
		loss := grad.Sum(grad.Mul(p.Node(), g.Step("slope", onnx.Float, n)))
		epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{Optimizer: grad.AdamW{
			Beta2: c.Number("beta2"), Eps: c.Number("eps"),
			WeightDecay: c.Number("weight_decay"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer epoch.Close()
		state := grad.NewState(g.Params(), func(_ *grad.Param, v []float32) { copy(v, c.Inputs["start"].Float32s()) })
		for at := 0; at < len(lr); at += length {
			slopes := &ort.Tensor{Shape: []int64{int64(length), int64(n)}, Data: grads.Float32s()[at*n : (at+length)*n]}
			_, err := epoch.Run(t.Context(), state, grad.Inputs{
				Steps: ort.Tensors{"slope": slopes}, LR: lr[at : at+length], Beta1: beta1[at : at+length],
			})
			if err != nil {
				t.Fatal(err)
			}
			row := (at + length - 1) * n
			embedtest.Near(t, "parameter", state.Values()["p"], want.Data[row:row+n], 1e-6)
		}
		if state.Snapshot().Steps != len(lr) {
			t.Errorf("state counts %d steps, want %d", state.Snapshot().Steps, len(lr))
		}
	}
}

// TestLongEpochsStayPrecise takes 5,000 steps in one epoch, during which the
// scaled gradients grow by a factor of 12, with β1 cycling, and compares with a
// plain float64 AdamW. The parameters wander by about 1; AdamW in float32 without
// the scaling misses by up to 5e-5 of it, in NumPy.
func TestLongEpochsStayPrecise(t *testing.T) {
	rt := orttest.Runtime(t)
	const steps, n = 5000, 16
	rng := rand.New(rand.NewPCG(7, 8))
	slopes := uniform(rng, []int{steps, n}, 0)
	in := grad.Inputs{Steps: ort.Tensors{"slope": {Shape: []int64{steps, n}, Data: slopes}}}
	p, m, v := make([]float64, n), make([]float64, n), make([]float64, n)
	for s := range steps {
		lr, beta1 := 1e-2, .9+.05*math.Cos(float64(s)/300)
		in.LR, in.Beta1 = append(in.LR, lr), append(in.Beta1, beta1)
		for i := range n {
			// Gradients that differ by orders of magnitude, and fall over time.
			slopes[s*n+i] *= float32(math.Pow(10, float64(i%8-6)) / (1 + float64(s)/500))
			g := float64(slopes[s*n+i])
			m[i] = beta1*m[i] + (1-beta1)*g
			v[i] = .999*v[i] + .001*g*g
			p[i] *= 1 - lr*.01
			p[i] -= lr * m[i] / (1 - math.Pow(beta1, float64(s+1))) / (math.Sqrt(v[i]/(1-math.Pow(.999, float64(s+1)))) + 1e-8)
		}
	}
	graph := grad.NewGraph()
	loss := grad.Sum(grad.Mul(graph.Param("p", true, n).Node(), graph.Step("slope", onnx.Float, n)))
	epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: .01}})
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	state := grad.NewState(graph.Params(), func(*grad.Param, []float32) {})
	if _, err := epoch.Run(t.Context(), state, in); err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "parameter", state.Values()["p"], p, 1e-4)
	for i := range n {
		if math.Abs(float64(state.Snapshot().M["p"][i])-m[i]) > 1e-5*math.Sqrt(v[i]) || math.Abs(float64(state.Snapshot().V["p"][i])/v[i]-1) > 1e-5 {
			t.Errorf("moments of element %d are %v and %v, want %v and %v", i, state.Snapshot().M["p"][i], state.Snapshot().V["p"][i], m[i], v[i])
		}
	}
	in.LR, in.Beta1 = slices.Repeat(in.LR, 6), slices.Repeat(in.Beta1, 6)
	if _, err := epoch.Run(t.Context(), state, in); err == nil {
		t.Error("an epoch of 30,000 steps, whose moments would leave float32, was run")
	}
}

// wide is a layer whose weights are kept in several row blocks, used both
// forwards and transposed.
const (
	wideIn, wideOut, wideBatch, wideRows = 1501, 700, 8, 32
)

func wideLoss(dropout float32) *grad.Node {
	g := grad.NewGraph()
	x := grad.Rows(g.Data("x", onnx.Float, wideRows, wideIn), g.Step("batch", onnx.Int64, wideBatch))
	w := g.Param("w", true, wideIn, wideOut).Node()
	hidden := grad.Dropout(grad.GELU(grad.MatMul(x, w)), dropout, g.Step("seed", onnx.Int64))
	back := grad.MatMulT(hidden, w)
	miss := grad.Sub(back, x)
	return grad.Mean(grad.Mul(miss, miss))
}

func wideInputs(rng *rand.Rand, steps int) grad.Inputs {
	in := grad.Inputs{Data: ort.Tensors{}, Steps: ort.Tensors{}}
	in.Data["x"] = &ort.Tensor{Shape: []int64{wideRows, wideIn}, Data: uniform(rng, []int{wideRows, wideIn}, 0)}
	batch, seeds := make([]int64, steps*wideBatch), make([]int64, steps)
	for i := range batch {
		batch[i] = int64(rng.IntN(wideRows))
	}
	for i := range seeds {
		seeds[i] = int64(rng.IntN(1 << 30))
		in.LR, in.Beta1 = append(in.LR, 1e-3), append(in.Beta1, .9)
	}
	in.Steps["batch"] = &ort.Tensor{Shape: []int64{int64(steps), wideBatch}, Data: batch}
	in.Steps["seed"] = &ort.Tensor{Shape: []int64{int64(steps)}, Data: seeds}
	return in
}

func smallRandom(p *grad.Param, v []float32) {
	copy(v, uniform(rand.New(rand.NewPCG(3, 4)), p.Shape, 0))
	for i := range v {
		v[i] *= .03
	}
}

// TestRowBlocksTrainAsOneMatrix compares two steps of the loop, in which the
// weights are cut into row blocks, with a plain float64 AdamW on gradients of
// the uncut graph.
func TestRowBlocksTrainAsOneMatrix(t *testing.T) {
	rt := orttest.Runtime(t)
	loss := wideLoss(.25)
	params := wideParams(loss)
	state := grad.NewState(params, smallRandom)
	in := wideInputs(rand.New(rand.NewPCG(5, 6)), 2)
	want := referenceSteps(t, rt, slices.Clone(state.Values()["w"]), in)

	epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: .01}})
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	if _, err := epoch.Run(t.Context(), state, in); err != nil {
		t.Fatal(err)
	}
	// Every element moves by about the rate, 1e-3, per step, in a direction that
	// rounding decides where the gradient is nearly zero: 1 % of a step.
	embedtest.Near(t, "weights", state.Values()["w"], want, 1e-5)
}

// TestRowBlocksJoinForOtherOperators gathers rows of a parameter that is kept in
// row blocks. The first step of AdamW moves what was gathered by the rate,
// against the gradient's sign, and nothing else.
func TestRowBlocksJoinForOtherOperators(t *testing.T) {
	rt := orttest.Runtime(t)
	g := grad.NewGraph()
	w := g.Param("w", true, wideIn, wideOut)
	used := []int64{0, 700, wideIn - 1}
	rows := grad.Rows(w.Node(), g.Ints(used, 3))
	epoch, err := grad.NewEpoch(rt, grad.Sum(grad.Mul(rows, rows)), grad.EpochOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	state := grad.NewState(g.Params(), smallRandom)
	before := slices.Clone(state.Values()["w"])
	if _, err := epoch.Run(t.Context(), state, grad.Inputs{LR: []float64{1e-3}, Beta1: []float64{.9}}); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(before))
	for i, x := range before {
		want[i] = float64(x)
		if slices.Contains(used, int64(i/wideOut)) {
			want[i] -= math.Copysign(1e-3, float64(x))
		}
	}
	embedtest.Near(t, "weights", state.Values()["w"], want, 1e-6)
}

func wideParams(loss *grad.Node) []*grad.Param { return loss.Graph().Params() }

// referenceSteps applies AdamW in float64 to gradients of a Function.
func referenceSteps(t *testing.T, rt *ort.Runtime, w []float32, in grad.Inputs) []float64 {
	t.Helper()
	loss := wideLoss(.25)
	p := wideParams(loss)[0]
	d := grad.Gradients(loss, nil, p.Node())[0]
	f := gradtest.New(t, rt, map[string]*grad.Node{"d": d})
	values, m, v := make([]float64, len(w)), make([]float64, len(w)), make([]float64, len(w))
	for i := range w {
		values[i] = float64(w[i])
	}
	for step := range in.LR {
		for i := range w {
			w[i] = float32(values[i])
		}
		feed := ort.Tensors{
			"x": in.Data["x"], "w": {Shape: []int64{wideIn, wideOut}, Data: w},
			"batch": {Shape: []int64{wideBatch}, Data: in.Steps["batch"].Data.([]int64)[step*wideBatch : (step+1)*wideBatch]},
			"seed":  {Shape: []int64{}, Data: in.Steps["seed"].Data.([]int64)[step : step+1]},
		}
		k := float64(step + 1)
		for i, g32 := range f.Call(t, feed, "d")["d"] {
			g := float64(g32)
			m[i] = .9*m[i] + .1*g
			v[i] = .999*v[i] + .001*g*g
			values[i] *= 1 - 1e-3*.01
			values[i] -= 1e-3 * m[i] / (1 - math.Pow(.9, k)) / (math.Sqrt(v[i]/(1-math.Pow(.999, k))) + 1e-8)
		}
	}
	return values
}

// TestEpochsRepeatBitForBit trains twice from one seed and wants equal losses
// and weights.
func TestEpochsRepeatBitForBit(t *testing.T) {
	rt := orttest.Runtime(t)
	train := func() ([]float32, *grad.State) {
		loss := wideLoss(.25)
		epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer epoch.Close()
		state := grad.NewState(wideParams(loss), smallRandom)
		losses, err := epoch.Run(t.Context(), state, wideInputs(rand.New(rand.NewPCG(5, 6)), 4))
		if err != nil {
			t.Fatal(err)
		}
		return losses, state
	}
	losses1, state1 := train()
	losses2, state2 := train()
	if !slices.Equal(losses1, losses2) || !slices.Equal(state1.Values()["w"], state2.Values()["w"]) {
		t.Errorf("losses %v and then %v of the same seed", losses1, losses2)
	}
	if losses1[3] >= losses1[0] {
		t.Errorf("losses %v do not fall", losses1)
	}
}

// TestFailedEpochLeavesTheState wants nothing changed by a cancelled run and by
// one with a missing input.
func TestFailedEpochLeavesTheState(t *testing.T) {
	rt := orttest.Runtime(t)
	loss := wideLoss(0)
	epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	state := grad.NewState(wideParams(loss), smallRandom)
	before := slices.Clone(state.Values()["w"])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := wideInputs(rand.New(rand.NewPCG(5, 6)), 4)
	delete(in.Steps, "seed") // without dropout the graph has no such input
	if _, err := epoch.Run(ctx, state, in); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run returned %v", err)
	}
	delete(in.Data, "x")
	if _, err := epoch.Run(t.Context(), state, in); err == nil {
		t.Error("a run without its data succeeded")
	}
	in.Beta1 = in.Beta1[:2]
	if _, err := epoch.Run(t.Context(), state, in); err == nil {
		t.Error("a run with 4 rates and 2 values of beta1 succeeded")
	}
	if !slices.Equal(state.Values()["w"], before) || state.Snapshot().Steps != 0 {
		t.Error("the state changed")
	}
}

// TestUniformIsUniform checks moments, the correlation of neighbours, of seeds
// and of calls, and that equal seeds repeat. The bounds are five standard errors.
func TestUniformIsUniform(t *testing.T) {
	rt := orttest.Runtime(t)
	const n = 1 << 16
	g := grad.NewGraph()
	seed := g.Data("seed", onnx.Int64)
	outputs := map[string]*grad.Node{"a": grad.Uniform(seed, n), "b": grad.Uniform(seed, n)}
	draw := func(seed int64) map[string][]float32 {
		return gradtest.Call(t, rt, outputs, ort.Tensors{"seed": {Shape: []int64{}, Data: []int64{seed}}})
	}
	for _, s := range []int64{0, 1, 123456789} {
		x, next := draw(s), draw(s+1)
		if !slices.Equal(x["a"], draw(s)["a"]) {
			t.Errorf("seed %d does not repeat", s)
		}
		var mean, square float64
		for _, v := range x["a"] {
			if v < 0 || v >= 1 {
				t.Fatalf("seed %d drew %v", s, v)
			}
			mean += float64(v) / n
			square += float64(v) * float64(v) / n
		}
		const bound = 5.0 / 256 // five standard errors of a correlation
		if math.Abs(mean-.5) > bound*.289 || math.Abs(square-1.0/3) > bound*.3 {
			t.Errorf("seed %d: mean %v, mean square %v", s, mean, square)
		}
		pairs := map[string][2][]float32{
			"neighbours": {x["a"][:n-1], x["a"][1:]}, "distance 64": {x["a"][:n-64], x["a"][64:]},
			"calls": {x["a"], x["b"]}, "seeds": {x["a"], next["a"]}, "calls of the next seed": {x["b"], next["a"]},
		}
		for what, p := range pairs {
			if r := correlation(p[0], p[1]); math.Abs(r) > bound {
				t.Errorf("seed %d: %s correlate by %.4f", s, what, r)
			}
		}
	}
}

func correlation(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += (float64(a[i]) - .5) * (float64(b[i]) - .5)
	}
	return sum / float64(len(a)) * 12
}

// TestExportServesAnyBatch compares an exported model with Call.
func TestExportServesAnyBatch(t *testing.T) {
	rt := orttest.Runtime(t)
	g := grad.NewGraph()
	x := g.Data("x", onnx.Float, grad.Batch, 6)
	w := g.Param("w", true, 6, 4)
	y := grad.Reshape(grad.GELU(grad.MatMul(x, w.Node())), grad.Batch, 2, 2)
	state := grad.NewState(g.Params(), smallRandom)
	content, err := grad.Export(map[string]*grad.Node{"y": y}, state.Values())
	if err != nil {
		t.Fatal(err)
	}
	session, err := rt.OpenBytes("exported", content, ort.SessionOptions{
		Inputs:  []ort.Spec{{Name: "x", Type: onnx.Float, Shape: []int64{-1, 6}}},
		Outputs: []ort.Spec{{Name: "y", Type: onnx.Float, Shape: []int64{-1, 2, 2}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	data := uniform(rand.New(rand.NewPCG(1, 1)), []int{5, 6}, 0)
	want := gradtest.Call(t, rt, map[string]*grad.Node{"y": y}, ort.Tensors{
		"x": {Shape: []int64{5, 6}, Data: data}, "w": {Shape: []int64{6, 4}, Data: state.Values()["w"]},
	})["y"]
	out := ort.Tensors{"y": nil}
	if err := session.Run(t.Context(), ort.Tensors{"x": {Shape: []int64{5, 6}, Data: data}}, out); err != nil {
		t.Fatal(err)
	}
	if got := out["y"].Data.([]float32); !slices.Equal(got, want) || !slices.Equal(out["y"].Shape, []int64{5, 2, 2}) {
		t.Errorf("exported model gives %v of shape %v, want %v", got, out["y"].Shape, want)
	}
}
