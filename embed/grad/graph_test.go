package grad_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// TestMistakesPanic wants a sentence for what would be a wrong graph.
func TestMistakesPanic(t *testing.T) {
	type build = func(g *grad.Graph)
	array := func(g *grad.Graph, name string, shape ...int) *grad.Node { return g.Data(name, onnx.Float, shape...) }
	for want, f := range map[string]build{
		`leaf name "x" is empty, taken`:                   func(g *grad.Graph) { array(g, "x"); array(g, "x") },
		`leaf name "v:1" is empty`:                        func(g *grad.Graph) { array(g, "v:1") },
		"only the first dimension":                        func(g *grad.Graph) { array(g, "x", 2, grad.Batch) },
		"nodes of two graphs":                             func(g *grad.Graph) { grad.Add(array(g, "x"), grad.NewGraph().Const(1)) },
		"Add of element types":                            func(g *grad.Graph) { grad.Add(g.Const(1), g.Ints([]int64{1})) },
		"Mul of shapes [2] and [3]":                       func(g *grad.Graph) { grad.Mul(array(g, "x", 2), array(g, "y", 3)) },
		"Reshape of [2 3] to [5]":                         func(g *grad.Graph) { grad.Reshape(array(g, "x", 2, 3), 5) },
		"MatMul of [2 3] and [2 3]":                       func(g *grad.Graph) { grad.MatMul(array(g, "x", 2, 3), array(g, "y", 2, 3)) },
		"Concat of [-1 2] and [-1 2]":                     func(g *grad.Graph) { grad.Concat(0, array(g, "x", grad.Batch, 2), array(g, "y", 3, 2)) },
		"Mean of [-1 2] over its first":                   func(g *grad.Graph) { grad.Mean(array(g, "x", grad.Batch, 2)) },
		"Uniform of shape [-1 2]":                         func(g *grad.Graph) { grad.Uniform(g.Ints([]int64{1}), grad.Batch, 2) },
		"Dropout with probability 1":                      func(g *grad.Graph) { grad.Dropout(array(g, "x", 2), 1, g.Ints([]int64{1})) },
		"and bias [2]":                                    func(g *grad.Graph) { grad.LayerNorm(array(g, "x", 2, 3), array(g, "a", 3), array(g, "b", 2), 1) },
		"convolution of [1 2 4 4] with kernels [3 2 2 2]": func(g *grad.Graph) { grad.Convolve(array(g, "x", 1, 2, 4, 4), array(g, "k", 3, 2, 2, 2)) },
		"not of a scalar": func(g *grad.Graph) {
			x := array(g, "x", 2)
			grad.Gradients(x, nil, x)
		},
		"no gradient of output 0 of shape [-1 2]": func(g *grad.Graph) {
			x := array(g, "x", grad.Batch, 2)
			grad.Gradients(grad.Sum(grad.Exp(x)), nil, x)
		},
		"no gradient of output 2 of shape [2 1]": func(g *grad.Graph) {
			x, gain := array(g, "x", 2, 3), array(g, "gain", 3)
			y := grad.LayerNorm(x, gain, array(g, "bias", 3), 1e-5)
			d := grad.Gradients(grad.Sum(grad.Mul(y, y)), nil, x)[0]
			grad.Gradients(grad.Sum(grad.Mul(d, d)), nil, x)
		},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if r := recover(); !strings.Contains(fmt.Sprint(r), want) {
					t.Errorf("panic %v, want %q", r, want)
				}
			}()
			f(grad.NewGraph())
		})
	}
}

// TestServedBatchOfMatrices multiplies any number of matrices by one.
func TestServedBatchOfMatrices(t *testing.T) {
	rt := orttest.Runtime(t)
	g := grad.NewGraph()
	y := grad.MatMul(g.Data("x", onnx.Float, grad.Batch, 2, 2), g.Array([]float32{1, 2, 3, 4}, 2, 2))
	got := gradtest.Call(t, rt, map[string]*grad.Node{"y": y}, ort.Tensors{
		"x": {Shape: []int64{3, 2, 2}, Data: []float32{1, 0, 0, 1, 2, 0, 0, 2, 1, 1, 1, -1}},
	})["y"]
	if want := []float32{1, 2, 3, 4, 2, 4, 6, 8, 4, 6, -2, -2}; !slices.Equal(got, want) {
		t.Errorf("product is %v, want %v", got, want)
	}
}

// TestLeafMayHaveAnyPlainName trains a parameter and feeds an array that are
// named like values which the loop might write.
func TestLeafMayHaveAnyPlainName(t *testing.T) {
	rt := orttest.Runtime(t)
	for _, name := range []string{"v1", "v2", "v3", "o1", "p.w.0"} {
		g := grad.NewGraph()
		miss := grad.Sub(g.Param("w", false, 2).Node(), g.Data(name, onnx.Float, 2))
		epoch, err := grad.NewEpoch(rt, grad.Sum(grad.Mul(miss, miss)), grad.EpochOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer epoch.Close()
		losses, err := epoch.Run(t.Context(), grad.NewState(g.Params(), func(*grad.Param, []float32) {}), grad.Inputs{
			Data: ort.Tensors{name: {Shape: []int64{2}, Data: []float32{3, 4}}}, LR: []float64{.1, .1}, Beta1: []float64{.9, .9},
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if losses[0] != 25 || losses[1] >= 25 {
			t.Errorf("%s: losses are %v, want 25 and less", name, losses)
		}
	}
}

// TestSumKeepsItsOwnAxes changes the caller's list after the node is made.
func TestSumKeepsItsOwnAxes(t *testing.T) {
	rt := orttest.Runtime(t)
	g := grad.NewGraph()
	axes, shape := []int{0}, []int{2, 1}
	y := grad.Reshape(grad.Sum(g.Data("x", onnx.Float, 2, 2), axes...), shape...)
	axes[0], shape[0], shape[1] = 1, 1, 2
	got := gradtest.Call(t, rt, map[string]*grad.Node{"y": y}, ort.Tensors{"x": {Shape: []int64{2, 2}, Data: []float32{1, 2, 3, 4}}})["y"]
	if want := []float32{4, 6}; !slices.Equal(got, want) {
		t.Errorf("sum is %v, want %v", got, want)
	}
}

// TestLargeDrawsShareNoNumbers draws more numbers in one call than the positions
// of two calls would be apart if they were spaced evenly.
func TestLargeDrawsShareNoNumbers(t *testing.T) {
	rt := orttest.Runtime(t)
	const n = 1 << 20
	g := grad.NewGraph()
	seed := g.Data("seed", onnx.Int64)
	got := gradtest.Call(t, rt, map[string]*grad.Node{"a": grad.Uniform(seed, n), "b": grad.Uniform(seed, n)},
		ort.Tensors{"seed": {Shape: []int64{}, Data: []int64{3}}})
	const run = 64 // numbers of 23 bits: equal runs of 64 are no accident
	first := got["b"][:run]
	for i := range n - run {
		if slices.Equal(got["a"][i:i+run], first) {
			t.Fatalf("the second draw begins at element %d of the first", i)
		}
	}
}
