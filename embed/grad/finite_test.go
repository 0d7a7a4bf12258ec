package grad_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// finiteCase is an operator with the shapes of its float inputs.
type finiteCase struct {
	shapes [][]int
	build  func(g *grad.Graph, in []*grad.Node) *grad.Node
	// low is added to the inputs, which are drawn from ±1, where an operator
	// needs positive ones.
	low float32
}

func one(f func(*grad.Node) *grad.Node) func(*grad.Graph, []*grad.Node) *grad.Node {
	return func(_ *grad.Graph, in []*grad.Node) *grad.Node { return f(in[0]) }
}

func two(f func(a, b *grad.Node) *grad.Node) func(*grad.Graph, []*grad.Node) *grad.Node {
	return func(_ *grad.Graph, in []*grad.Node) *grad.Node { return f(in[0], in[1]) }
}

var finiteCases = map[string]finiteCase{
	"add broadcast":     {shapes: [][]int{{3, 4}, {4}}, build: two(grad.Add)},
	"sub broadcast":     {shapes: [][]int{{3, 1}, {2, 1, 4}}, build: two(grad.Sub)},
	"mul broadcast":     {shapes: [][]int{{3, 4}, {3, 1}}, build: two(grad.Mul)},
	"div broadcast":     {shapes: [][]int{{3, 4}, {4}}, build: two(grad.Div), low: 2},
	"neg":               {shapes: [][]int{{5}}, build: one(grad.Neg)},
	"scale":             {shapes: [][]int{{5}}, build: one(func(a *grad.Node) *grad.Node { return grad.Scale(a, -2.5) })},
	"exp":               {shapes: [][]int{{5}}, build: one(grad.Exp)},
	"sqrt":              {shapes: [][]int{{5}}, build: one(grad.Sqrt), low: 2},
	"erf":               {shapes: [][]int{{5}}, build: one(grad.Erf)},
	"sigmoid":           {shapes: [][]int{{5}}, build: one(grad.Sigmoid)},
	"gelu":              {shapes: [][]int{{5}}, build: one(grad.GELU)},
	"reshape":           {shapes: [][]int{{2, 6}}, build: one(func(a *grad.Node) *grad.Node { return grad.Reshape(a, 3, 4) })},
	"transpose":         {shapes: [][]int{{2, 3, 4}}, build: one(func(a *grad.Node) *grad.Node { return grad.Transpose(a, 2, 0, 1) })},
	"slice":             {shapes: [][]int{{3, 5}}, build: one(func(a *grad.Node) *grad.Node { return grad.Slice(a, 1, 1, 4) })},
	"concat":            {shapes: [][]int{{2, 3}, {2, 2}}, build: two(func(a, b *grad.Node) *grad.Node { return grad.Concat(1, a, b) })},
	"sum":               {shapes: [][]int{{2, 3, 2}}, build: one(func(a *grad.Node) *grad.Node { return grad.Sum(a, 1) })},
	"mean":              {shapes: [][]int{{2, 3, 2}}, build: one(func(a *grad.Node) *grad.Node { return grad.Mean(a, 0, 2) })},
	"matmul":            {shapes: [][]int{{3, 4}, {4, 2}}, build: two(grad.MatMul)},
	"matmul transposed": {shapes: [][]int{{3, 4}, {2, 4}}, build: two(grad.MatMulT)},
	"matmul batched":    {shapes: [][]int{{2, 3, 4}, {2, 4, 2}}, build: two(grad.MatMul)},
	"matmul flattened":  {shapes: [][]int{{2, 3, 4}, {4, 2}}, build: two(grad.MatMul)},
	"softmax":           {shapes: [][]int{{3, 4}}, build: one(grad.Softmax)},
	"log softmax":       {shapes: [][]int{{3, 4}}, build: one(grad.LogSoftmax)},
	"unit":              {shapes: [][]int{{3, 4}}, build: one(grad.Unit)},
	"layer norm": {shapes: [][]int{{3, 5}, {5}, {5}}, build: func(_ *grad.Graph, in []*grad.Node) *grad.Node {
		return grad.LayerNorm(in[0], in[1], in[2], 1e-5)
	}},
	"rows, one of them twice": {shapes: [][]int{{4, 3}}, build: func(g *grad.Graph, in []*grad.Node) *grad.Node {
		return grad.Rows(in[0], g.Ints([]int64{2, 0, 2}, 3))
	}},
	"dropout": {shapes: [][]int{{4, 8}}, build: func(g *grad.Graph, in []*grad.Node) *grad.Node {
		return grad.Dropout(in[0], .4, g.Ints([]int64{7}))
	}},
	"float of a float": {shapes: [][]int{{4}}, build: one(func(a *grad.Node) *grad.Node { return grad.Exp(grad.Float(a)) })},
	"gradient of rows": {shapes: [][]int{{4, 3}}, build: func(g *grad.Graph, in []*grad.Node) *grad.Node {
		y := grad.Rows(in[0], g.Ints([]int64{2, 0, 2}, 3))
		d := grad.Gradients(grad.Sum(grad.Mul(y, grad.Mul(y, y))), nil, in[0])
		return grad.Mul(d[0], d[0])
	}},
	"relu": {shapes: [][]int{{7}}, build: one(func(a *grad.Node) *grad.Node {
		// Away from 0, where there is no slope.
		return grad.ReLU(grad.Mul(a, grad.Mul(a, a)))
	})},
	"convolve":      {shapes: [][]int{{2, 2, 4, 3}, {3, 2, 3, 3}}, build: two(grad.Convolve)},
	"convolve by 1": {shapes: [][]int{{2, 3, 2, 2}, {2, 3, 1, 1}}, build: two(grad.Convolve)},
	"used twice": {shapes: [][]int{{3, 3}}, build: one(func(a *grad.Node) *grad.Node {
		return grad.Add(grad.MatMul(a, a), grad.Mul(a, grad.Exp(a)))
	})},
}

// TestGradientsAgreeWithFiniteDifferences checks each operator by the slope of
// a weighted sum of its output. With central differences of step h = 1/64 the
// formula's error is of order h² and the error of float32 rounding of order
// 1e-7/h, so that 2e-3 of the largest gradient holds for all.
func TestGradientsAgreeWithFiniteDifferences(t *testing.T) {
	rt := orttest.Runtime(t)
	for name, c := range finiteCases {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(name))))
			g := grad.NewGraph()
			var in []*grad.Node
			feed := ort.Tensors{}
			for i, shape := range c.shapes {
				in = append(in, g.Data(inputName(i), onnx.Float, shape...))
				feed[inputName(i)] = &ort.Tensor{Shape: int64s(shape), Data: uniform(rng, shape, c.low)}
			}
			y := c.build(g, in)
			loss := grad.Sum(grad.Mul(y, g.Array(uniform(rng, y.Shape(), 0), y.Shape()...)))
			outputs := map[string]*grad.Node{"loss": loss}
			for i, d := range grad.Gradients(loss, nil, in...) {
				outputs["d_"+inputName(i)] = d
			}
			checkSlopes(t, gradtest.New(t, rt, outputs), feed, outputs)
		})
	}
}

// checkSlopes compares the gradient of every input element with a slope.
func checkSlopes(t *testing.T, f gradtest.Function, feed ort.Tensors, outputs map[string]*grad.Node) {
	t.Helper()
	const h = 1.0 / 64
	grads := f.Call(t, feed, slices.Collect(maps.Keys(outputs))...)
	lossAt := func() float64 { return float64(f.Call(t, feed, "loss")["loss"][0]) }
	for name, tensor := range feed {
		x := tensor.Data.([]float32)
		d := grads["d_"+name]
		scale := 1.0
		for _, v := range d {
			scale = max(scale, math.Abs(float64(v)))
		}
		for i := range x {
			old := x[i]
			x[i] = old + h
			up := lossAt()
			x[i] = old - h
			down := lossAt()
			x[i] = old
			if slope := (up - down) / (2 * h); math.Abs(slope-float64(d[i])) > 2e-3*scale {
				t.Errorf("%s[%d]: gradient %v, slope %v", name, i, d[i], slope)
			}
		}
	}
}

func inputName(i int) string { return string(rune('a' + i)) }

// uniform draws from [-1, 1) and adds low.
func uniform(rng *rand.Rand, shape []int, low float32) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = 2*rng.Float32() - 1 + low
	}
	return out
}
