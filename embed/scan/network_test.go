package scan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"

	"gonum.org/v1/gonum/blas/blas32"
)

// goldenTolerance is how far float32 may be from PyTorch's float64.
const goldenTolerance = 3e-5

// published maps this package's names of parameters to the names in the published
// checkpoints, whose weights are [out, in].
var published = strings.NewReplacer(
	"input.norm.gain", "lin0.1.weight", "input.norm.bias", "lin0.1.bias", "input.", "lin0.0.",
	"block.0.norm.gain", "mlp.0.1.weight", "block.0.norm.bias", "mlp.0.1.bias", "block.0.", "mlp.0.0.",
	"block.1.norm.gain", "mlp.1.1.weight", "block.1.norm.bias", "mlp.1.1.bias", "block.1.", "mlp.1.0.",
	"output.", "lin1.",
	"projector.0.norm.gain", "projector.0.weight", "projector.0.norm.bias", "projector.0.bias", "projector.0.", "projector.2.",
	"projector.1.norm.gain", "projector.3.weight", "projector.1.norm.bias", "projector.3.bias", "projector.1.", "projector.5.",
	"projector.2.norm.gain", "projector.6.weight", "projector.2.norm.bias", "projector.6.bias", "projector.2.", "projector.8.",
)

// goldenValues returns a parameter of a case in this package's layout.
func goldenValues(arrays map[string]embedtest.Array, p *grad.Param) embedtest.Array {
	a := arrays[published.Replace(p.Name)]
	if len(a.Shape) != 2 {
		return a
	}
	rows, cols := a.Shape[0], a.Shape[1]
	turned := embedtest.Array{Shape: []int{cols, rows}, Data: make([]float64, len(a.Data))}
	for i := range rows {
		for j := range cols {
			turned.Data[j*rows+i] = a.Data[i*cols+j]
		}
	}
	return turned
}

func goldenConfig(c embedtest.Case) Config {
	n := func(name string) int { return int(c.Number(name)) }
	return Config{
		Preset: PresetMindEye1, Voxels: n("voxels"), T: n("tokens"), D: n("dim"),
		Width: n("width"), Blocks: n("blocks"), Projector: n("hidden"),
	}
}

// TestLossesAgreeWithPyTorch compares values and gradients of both losses.
func TestLossesAgreeWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	for _, name := range []string{"bimixco_tau006", "bimixco_tau1", "softclip_tau004", "softclip_tau0075", "softclip_tau1"} {
		t.Run(name, func(t *testing.T) {
			c := embedtest.Read(t, name)
			g := grad.NewGraph()
			array := func(name string) *grad.Node {
				return g.Array(c.Inputs[name].Float32s(), c.Inputs[name].Shape...)
			}
			tau := g.Const(float32(c.Number("tau")))
			pred := g.Data("pred", onnx.Float, c.Inputs["pred"].Shape...)
			var loss *grad.Node
			if strings.HasPrefix(name, "soft") {
				loss = softCLIP(pred, array("target"), tau)
			} else {
				perm := make([]int64, len(c.Inputs["perm"].Data))
				for i, j := range c.Inputs["perm"].Ints() {
					perm[i] = int64(j)
				}
				mix := mixNodes{image: distinct(g, len(perm)), lambda: array("lambda"), perm: g.Ints(perm, len(perm))}
				loss = biMixCo(pred, array("target"), mix, tau)
			}
			out := gradtest.Call(t, rt, map[string]*grad.Node{"loss": loss, "d": grad.Gradients(loss, nil, pred)[0]},
				ort.Tensors{"pred": floats(c.Inputs["pred"])})
			embedtest.Near(t, "loss", out["loss"], c.Outputs["loss"].Data, goldenTolerance)
			embedtest.Near(t, "gradient", out["d"], c.Grads["pred"].Data, goldenTolerance)
		})
	}
}

// distinct numbers n samples that all saw different images.
func distinct(g *grad.Graph, n int) *grad.Node {
	index := make([]int64, n)
	for i := range index {
		index[i] = int64(i)
	}
	return g.Ints(index, n)
}

// TestRepeatsOfAnImageAreNoNegatives swaps what two samples of one image
// predicted and wants the same loss, which a label for the own sample alone
// would change.
func TestRepeatsOfAnImageAreNoNegatives(t *testing.T) {
	rt := orttest.Runtime(t)
	g := grad.NewGraph()
	target := g.Array([]float32{1, 0, 1, 0, 0, 1}, 3, 2) // samples 0 and 1 saw one image
	mix := mixNodes{image: g.Ints([]int64{7, 7, 8}, 3), lambda: g.Array([]float32{.8, 1, 1}, 3), perm: g.Ints([]int64{1, 2, 0}, 3)}
	pred := g.Data("pred", onnx.Float, 3, 2)
	// A sample that is mixed with its own image is not mixed at all.
	outputs := map[string]*grad.Node{"loss": biMixCo(pred, target, mix, g.Const(.5))}
	loss := func(data ...float32) float32 {
		return gradtest.Call(t, rt, outputs, ort.Tensors{"pred": {Shape: []int64{3, 2}, Data: data}})["loss"][0]
	}
	a, b := loss(.9, .1, .7, .6, .2, .8), loss(.7, .6, .9, .1, .2, .8)
	if math.Abs(float64(a-b)) > 1e-6 {
		t.Errorf("loss %v, and %v with the predictions of one image swapped", a, b)
	}
}

// TestNetworkAgreesWithPyTorch compares a small network of MindEye's shape:
// predictions, and loss and gradients on mixed voxels.
func TestNetworkAgreesWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	c := embedtest.Read(t, "network")
	l := newLayers(goldenConfig(c))
	g := l.Graph()
	node := func(name string) *grad.Node { return g.Data(name, onnx.Float, c.Inputs[name].Shape...) }
	voxels, lambda := node("voxels"), node("lambda")
	perm := g.Data("perm", onnx.Int64, c.Inputs["perm"].Shape...)
	backbone := l.backbone(voxels)
	target := node("target")
	flat := grad.Reshape(target, target.Shape()[0], l.config.outputs())
	mix := mixNodes{image: distinct(g, perm.Shape()[0]), lambda: lambda, perm: perm}
	loss := biMixCo(l.project(l.backbone(mix.mixed(voxels))), flat, mix, g.Const(float32(c.Number("tau"))))

	outputs := map[string]*grad.Node{"backbone": backbone, "tokens": l.project(backbone), "loss": loss}
	feed := ort.Tensors{"voxels": floats(c.Inputs["voxels"]), "lambda": floats(c.Inputs["lambda"]), "target": floats(c.Inputs["target"])}
	var nodes []*grad.Node
	for _, p := range g.Params() {
		nodes = append(nodes, p.Node())
		feed[p.Name] = floats(goldenValues(c.Params, p))
	}
	for i, d := range grad.Gradients(loss, nil, nodes...) {
		outputs["d_"+g.Params()[i].Name] = d
	}
	index := make([]int64, len(c.Inputs["perm"].Data))
	for i, j := range c.Inputs["perm"].Ints() {
		index[i] = int64(j)
	}
	feed["perm"] = &ort.Tensor{Shape: []int64{int64(len(index))}, Data: index}

	out := gradtest.Call(t, rt, outputs, feed)
	for _, name := range []string{"backbone", "tokens", "loss"} {
		embedtest.Near(t, name, out[name], c.Outputs[name].Data, goldenTolerance)
	}
	for _, p := range g.Params() {
		embedtest.Near(t, "gradient of "+p.Name, out["d_"+p.Name], goldenValues(c.Grads, p).Data, goldenTolerance)
	}
}

// TestServedNetworkAgreesWithPyTorch decodes the golden voxels by the exported
// network of MindEye's shape, as they are and in a matrix with gaps.
func TestServedNetworkAgreesWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	c := embedtest.Read(t, "network")
	m := &Model{Config: goldenConfig(c), Values: map[string][]float32{}}
	v := m.Config.Voxels
	for _, p := range m.Config.parameters() {
		switch p.Name {
		case meanName:
			m.Values[p.Name] = make([]float32, v)
		case scaleName:
			m.Values[p.Name] = slices.Repeat([]float32{1}, v)
		default:
			m.Values[p.Name] = goldenValues(c.Params, p).Float32s()
		}
	}
	d, err := m.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	voxels := c.Inputs["voxels"].Matrix()
	gaps := blas32.General{Rows: voxels.Rows, Cols: v, Stride: v + 3}
	for i := range voxels.Rows {
		gaps.Data = append(append(gaps.Data, matrix.Row(voxels, i)...), 7, 8, 9)
	}
	gaps.Data = gaps.Data[:len(gaps.Data)-3]
	for _, m := range []blas32.General{voxels, gaps} {
		tokens, err := d.Decode(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		embedtest.Near(t, "tokens", tokens.Data, c.Outputs["tokens"].Data, goldenTolerance)
	}
	m.Values["output.bias"] = nil
	if _, err := m.ONNX(); err == nil || !strings.Contains(err.Error(), "array output.bias: wanted") {
		t.Errorf("a model without a bias gave %v", err)
	}
}

// TestTrainingAgreesWithPyTorch runs two steps of BiMixCo and three of SoftCLIP
// through the training loop and compares losses and weights. Adam's steps are
// of the size of the rate, .03, whatever the gradient's size, so that rounding
// of small gradients shows: a tolerance of 1 % of the way that weights go.
func TestTrainingAgreesWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	start, c := embedtest.Read(t, "network"), embedtest.Read(t, "network_training")
	config := goldenConfig(c)
	voxels, target := c.Inputs["voxels"], c.Inputs["target"] // [steps, B, V], [steps, B, T, D]
	steps, b := voxels.Shape[0], voxels.Shape[1]
	train := &training{
		rt: rt, opts: Options{Batch: b},
		voxels: blas32.General{Rows: steps * b, Cols: config.Voxels, Stride: config.Voxels, Data: voxels.Float32s()},
		target: blas32.General{Rows: steps * b, Cols: config.outputs(), Stride: config.outputs(), Data: target.Float32s()},
	}
	lr, beta1, tau := c.Numbers("lr"), c.Numbers("beta1"), c.Numbers("tau")
	mix := int(c.Number("bimixco_steps"))
	var state *grad.State
	for _, p := range []phase{{loss: LossBiMixCo, to: mix}, {loss: LossSoftCLIP, from: mix, to: steps}} {
		loss := train.loss(newLayers(config), p.loss)
		params := loss.Graph().Params()
		if state == nil {
			state = grad.NewState(params, func(p *grad.Param, v []float32) { copy(v, goldenValues(start.Params, p).Float32s()) })
		}
		epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: c.Number("weight_decay")}})
		if err != nil {
			t.Fatal(err)
		}
		defer epoch.Close()
		losses, err := epoch.Run(t.Context(), state, goldenInputs(train, c, p, lr, beta1, tau))
		if err != nil {
			t.Fatal(err)
		}
		embedtest.Near(t, "losses", losses, c.Outputs["losses"].Data[p.from:p.to], 1e-3)
	}
	for _, p := range config.trained() {
		embedtest.Near(t, p.Name, state.Values()[p.Name], goldenValues(c.ParamsAfter, p).Data, 1e-3)
	}
}

// goldenInputs feeds the steps of a phase as the golden case has them.
func goldenInputs(train *training, c embedtest.Case, p phase, lr, beta1, tau []float64) grad.Inputs {
	n, b := int64(p.to-p.from), int64(train.opts.Batch)
	var trials, perm []int64
	var lambda, taus []float32
	for s := p.from; s < p.to; s++ {
		taus = append(taus, float32(tau[s]))
		lambda = append(lambda, c.Inputs["lambda"].Float32s()...)
		for i, j := range c.Inputs["perm"].Ints() {
			trials, perm = append(trials, int64(s)*b+int64(i)), append(perm, int64(j))
		}
	}
	in := grad.Inputs{
		LR: lr[p.from:p.to], Beta1: beta1[p.from:p.to],
		Data: ort.Tensors{voxelsName: tensor(train.voxels), targetName: tensor(train.target)},
		Steps: ort.Tensors{
			trialName: {Shape: []int64{n, b}, Data: trials}, imageName: {Shape: []int64{n, b}, Data: trials},
			tauName: {Shape: []int64{n}, Data: taus},
		},
	}
	if p.loss == LossBiMixCo {
		in.Steps[lambdaName] = &ort.Tensor{Shape: []int64{n, b}, Data: lambda}
		in.Steps[permName] = &ort.Tensor{Shape: []int64{n, b}, Data: perm}
	}
	return in
}

// TestPublishedShapeHasThePublishedSize counts the parameters of the largest
// preset, which the published training prints for subject 1.
func TestPublishedShapeHasThePublishedSize(t *testing.T) {
	c, err := PresetConfig(PresetMindEye1, 15724, 257, 768)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range c.trained() {
		n += p.Size()
	}
	if n != 947_579_904 {
		t.Errorf("%d parameters, want 947,579,904", n)
	}
}

// trained lists the parameters of a decoder without components.
func (c Config) trained() []*grad.Param {
	l := newLayers(c)
	l.project(l.backbone(l.Graph().Data(voxelsName, onnx.Float, 2, c.Voxels)))
	return l.Graph().Params()
}

func floats(a embedtest.Array) *ort.Tensor {
	shape := make([]int64, len(a.Shape))
	for i, n := range a.Shape {
		shape[i] = int64(n)
	}
	return &ort.Tensor{Shape: shape, Data: a.Float32s()}
}
