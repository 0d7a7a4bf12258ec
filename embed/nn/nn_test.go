package nn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// TestParametersAreNamedAfterTheirLayers pins the names, by which files of
// weights are read.
func TestParametersAreNamedAfterTheirLayers(t *testing.T) {
	n := nn.New(nn.TransformerStyle())
	x := n.Graph().Data("x", onnx.Float, 2, 3, 4)
	x = grad.Add(n.Linear("in", x, 4), n.Table("position", 3, 4))
	n.Norm("norm", n.Transformer("t", x, nil, nn.Transformer{Layers: 1, Heads: 2}))
	want := []string{
		"in.weight", "in.bias", "position", "t.0.norm1.gain", "t.0.norm1.bias",
		"t.0.attention.query.weight", "t.0.attention.query.bias", "t.0.attention.key.weight", "t.0.attention.key.bias",
		"t.0.attention.value.weight", "t.0.attention.value.bias", "t.0.attention.out.weight", "t.0.attention.out.bias",
		"t.0.norm2.gain", "t.0.norm2.bias", "t.0.mlp.in.weight", "t.0.mlp.in.bias", "t.0.mlp.out.weight", "t.0.mlp.out.bias",
		"norm.gain", "norm.bias",
	}
	var names, decay []string
	for _, p := range n.Graph().Params() {
		names = append(names, p.Name)
		if p.Decay {
			decay = append(decay, p.Name)
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("the parameters are %q, want %q", names, want)
	}
	if len(decay) != 7 || slices.Contains(decay, "position") || slices.Contains(decay, "norm.gain") {
		t.Errorf("decay applies to %q, want the 7 weights", decay)
	}
}

func TestANameIsOneParameter(t *testing.T) {
	n := nn.New(nn.PyTorchStyle())
	x := n.Graph().Data("x", onnx.Float, 2, 3)
	n.Linear("twice", n.Linear("twice", x, 3), 3)
	params := n.Graph().Params()
	if len(params) != 2 || !params[0].Decay || params[1].Decay {
		t.Errorf("a layer that is applied twice has %d parameters, want a weight that decays and a bias that does not", len(params))
	}
	defer func() {
		if recover() == nil {
			t.Error("one name has two shapes")
		}
	}()
	n.Linear("twice", x, 4)
}

// TestFirstValues compares the draws with the distributions that they are
// documented to have.
func TestFirstValues(t *testing.T) {
	const in, out = 100, 400
	n := nn.New(nn.PyTorchStyle())
	x := n.Graph().Data("x", onnx.Float, 2, in)
	n.Linear("uniform", x, out)
	n.LinearFrom("normal", x, out, nn.ScaledNormal(2))
	n.LinearFrom("zero", x, out, nn.Zeros)
	n.Norm("norm", x)
	n.Param("given", nn.Values([]float32{3, 1, 2}), 3)
	n.Param("constant", nn.Constant(-4), 2)
	params := n.Graph().Params()
	ordered := grad.NewState(params, n.InitialiseInOrder(rand.New(rand.NewPCG(1, 2)))).Values()
	named := grad.NewState(params, n.InitialiseByName(1)).Values()
	for how, values := range map[string]map[string][]float32{"in order": ordered, "by name": named} {
		for name, want := range map[string]struct{ deviation, largest float64 }{
			"uniform.weight": {.1 / math.Sqrt(3), .1}, "uniform.bias": {.1 / math.Sqrt(3), .1},
			"normal.weight": {.2, 2}, "normal.bias": {0, 0}, "zero.weight": {0, 0}, "zero.bias": {0, 0},
		} {
			var square, largest float64
			for _, v := range values[name] {
				square += float64(v) * float64(v) / float64(len(values[name]))
				largest = max(largest, math.Abs(float64(v)))
			}
			if math.Abs(math.Sqrt(square)-want.deviation) > .1*want.deviation || largest > want.largest {
				t.Errorf("%s, %s: deviation %.4f and at most %.4f, want %.4f and %v", how, name, math.Sqrt(square), largest, want.deviation, want.largest)
			}
		}
		if !slices.Equal(values["given"], []float32{3, 1, 2}) || !slices.Equal(values["constant"], []float32{-4, -4}) ||
			values["norm.gain"][7] != 1 || values["norm.bias"][7] != 0 {
			t.Errorf("%s: values that are not drawn are %v, %v, %v, %v", how, values["given"], values["constant"], values["norm.gain"][7], values["norm.bias"][7])
		}
	}

	// A layer more changes no other by name.
	more := nn.New(nn.PyTorchStyle())
	x = more.Graph().Data("x", onnx.Float, 2, in)
	more.Linear("new", x, out)
	more.Linear("uniform", x, out)
	again := grad.NewState(more.Graph().Params(), more.InitialiseByName(1)).Values()
	if !slices.Equal(again["uniform.weight"], named["uniform.weight"]) {
		t.Error("by name: another layer changes the values of this one")
	}
}

// TestAttentionByItsDefinition computes attention position by position.
func TestAttentionByItsDefinition(t *testing.T) {
	const tokens, width, heads = 3, 4, 2
	rng := rand.New(rand.NewPCG(3, 4))
	n := nn.New(nn.TransformerStyle())
	mask := n.Graph().Data("mask", onnx.Float, 1, 1, 1, tokens)
	y := n.Attention("a", n.Graph().Data("x", onnx.Float, 1, tokens, width), nn.Attention{Heads: heads, Mask: mask, Gain: 1})
	draw := func(count int) []float32 {
		out := make([]float32, count)
		for i := range out {
			out[i] = float32(rng.NormFloat64())
		}
		return out
	}
	values := map[string][]float32{"x": draw(tokens * width), "mask": {0, -1e4, .5}}
	in := ort.Tensors{
		"x":    {Shape: []int64{1, tokens, width}, Data: values["x"]},
		"mask": {Shape: []int64{1, 1, 1, tokens}, Data: values["mask"]},
	}
	for _, p := range n.Graph().Params() {
		values[p.Name] = draw(p.Size())
		in[p.Name] = &ort.Tensor{Data: values[p.Name]}
		for _, d := range p.Shape {
			in[p.Name].Shape = append(in[p.Name].Shape, int64(d))
		}
	}
	want := attention(values, tokens, width, heads)
	out := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{"y": y}, in)
	embedtest.Near(t, "attention", out["y"], want, 1e-5)
}

// attention computes attention with the parameters and inputs in values.
func attention(values map[string][]float32, tokens, width, heads int) []float64 {
	linear := func(name string, x []float64) []float64 {
		out := make([]float64, width)
		for j := range out {
			out[j] = float64(values[name+".bias"][j])
			for i, v := range x {
				out[j] += v * float64(values[name+".weight"][i*width+j])
			}
		}
		return out
	}
	q, k, v := make([][]float64, tokens), make([][]float64, tokens), make([][]float64, tokens)
	for i := range tokens {
		x := make([]float64, width)
		for j := range x {
			x[j] = float64(values["x"][i*width+j])
		}
		q[i], k[i], v[i] = linear("a.query", x), linear("a.key", x), linear("a.value", x)
	}
	var all []float64
	for i := range tokens {
		joined := make([]float64, width)
		for h := range heads {
			from, to := h*width/heads, (h+1)*width/heads
			weights, sum := make([]float64, tokens), 0.
			for j := range tokens {
				logit := float64(values["mask"][j])
				for e := from; e < to; e++ {
					logit += q[i][e] * k[j][e] / math.Sqrt(float64(width/heads))
				}
				weights[j] = math.Exp(logit)
				sum += weights[j]
			}
			for j := range tokens {
				for e := from; e < to; e++ {
					joined[e] += weights[j] / sum * v[j][e]
				}
			}
		}
		all = append(all, linear("a.out", joined)...)
	}
	return all
}

// TestPatchesAreSquaresOfTheImage follows one pixel, and takes patches back.
func TestPatchesAreSquaresOfTheImage(t *testing.T) {
	const channels, side, p = 2, 6, 3
	g := grad.NewGraph()
	x := g.Data("x", onnx.Float, 1, channels, side, side)
	patches := nn.Patches(x, p)
	pixels := make([]float32, channels*side*side)
	for i := range pixels {
		pixels[i] = float32(i)
	}
	out := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{"patches": patches, "back": nn.Unpatches(patches, p)},
		ort.Tensors{"x": {Shape: []int64{1, channels, side, side}, Data: pixels}})
	// Channel 1, row 4, column 1 lies in the patch of the second row and first
	// column, in its second row and second column.
	at := 2*channels*p*p + 1*p*p + 1*p + 1
	if got, want := out["patches"][at], pixels[1*side*side+4*side+1]; got != want {
		t.Errorf("element %d of the patches is pixel %v, want %v", at, got, want)
	}
	if !slices.Equal(out["back"], pixels) {
		t.Error("patches are not taken back to their image")
	}
}

// TestConvolutionByItsDefinition sums over the neighbours of each pixel.
func TestConvolutionByItsDefinition(t *testing.T) {
	const side, in, out = 3, 2, 2
	rng := rand.New(rand.NewPCG(5, 6))
	n := nn.New(nn.TransformerStyle())
	y := n.Convolution("c", n.Graph().Data("x", onnx.Float, 1, in, side, side), out, 1)
	draw := func(count int) []float32 {
		values := make([]float32, count)
		for i := range values {
			values[i] = float32(rng.NormFloat64())
		}
		return values
	}
	x, weight, bias := draw(side*side*in), draw(9*in*out), draw(out)
	var want []float64
	for o := range out {
		for row := range side {
			for column := range side {
				sum := float64(bias[o])
				for k := range 9 {
					r, c := row+k/3-1, column+k%3-1
					if r < 0 || r >= side || c < 0 || c >= side {
						continue
					}
					for i := range in {
						sum += float64(x[(i*side+r)*side+c]) * float64(weight[(k*in+i)*out+o])
					}
				}
				want = append(want, sum)
			}
		}
	}
	got := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{"y": y}, ort.Tensors{
		"x":        {Shape: []int64{1, in, side, side}, Data: x},
		"c.weight": {Shape: []int64{9 * in, out}, Data: weight},
		"c.bias":   {Shape: []int64{out}, Data: bias},
	})
	embedtest.Near(t, "convolution", got["y"], want, 1e-5)
}

// TestSpaceToDepth has the pixels of a square in the channels, as patches have.
func TestSpaceToDepth(t *testing.T) {
	const channels, side, p = 2, 4, 2
	g := grad.NewGraph()
	x := g.Data("x", onnx.Float, 1, channels, side, side)
	deep := nn.SpaceToDepth(x, p)
	tokens := grad.Reshape(grad.Transpose(deep, 0, 2, 3, 1), 1, side*side/p/p, channels*p*p)
	values := make([]float32, channels*side*side)
	for i := range values {
		values[i] = float32(i)
	}
	out := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{
		"tokens": tokens, "patches": nn.Patches(x, p), "back": nn.DepthToSpace(deep, p),
	}, ort.Tensors{"x": {Shape: []int64{1, channels, side, side}, Data: values}})
	if !slices.Equal(out["tokens"], out["patches"]) {
		t.Errorf("pixels are %v, want the patches %v", out["tokens"], out["patches"])
	}
	if !slices.Equal(out["back"], values) {
		t.Error("images are not taken back")
	}
}
