package grad_test

import (
	"testing"

	"engram/embed/embedtest"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// tolerance is how far float32 results may be from PyTorch's float64.
const tolerance = 2e-5

// args are the inputs of a golden case as nodes.
type args map[string]*grad.Node

var goldenOps = map[string]func(c embedtest.Case, in args) *grad.Node{
	"matmul":           func(_ embedtest.Case, in args) *grad.Node { return grad.MatMul(in["a"], in["b"]) },
	"matmul_batched":   func(_ embedtest.Case, in args) *grad.Node { return grad.MatMul(in["a"], in["b"]) },
	"matmul_broadcast": func(_ embedtest.Case, in args) *grad.Node { return grad.MatMul(in["a"], in["b"]) },
	"gemm": func(_ embedtest.Case, in args) *grad.Node {
		return grad.Add(grad.MatMul(in["x"], in["w"]), in["b"])
	},
	"gelu":         func(_ embedtest.Case, in args) *grad.Node { return grad.GELU(in["x"]) },
	"softmax":      func(_ embedtest.Case, in args) *grad.Node { return grad.Softmax(in["x"]) },
	"log_softmax":  func(_ embedtest.Case, in args) *grad.Node { return grad.LogSoftmax(in["x"]) },
	"l2_normalize": func(_ embedtest.Case, in args) *grad.Node { return grad.Unit(in["x"]) },
	"mean_all":     func(_ embedtest.Case, in args) *grad.Node { return grad.Mean(in["x"]) },
	"mean_axes":    func(_ embedtest.Case, in args) *grad.Node { return grad.Mean(in["x"], 0, 2) },
	"sum_axis": func(_ embedtest.Case, in args) *grad.Node {
		return grad.Reshape(grad.Sum(in["x"], 1), 2, 1, 4)
	},
	"mul_broadcast": func(_ embedtest.Case, in args) *grad.Node { return grad.Mul(in["x"], in["s"]) },
	"gather_rows":   func(_ embedtest.Case, in args) *grad.Node { return grad.Rows(in["table"], in["rows"]) },
	"transpose_4d": func(c embedtest.Case, in args) *grad.Node {
		return grad.Transpose(in["x"], integers(c.Numbers("perm"))...)
	},
	"reshape_4d": func(c embedtest.Case, in args) *grad.Node {
		turned := grad.Transpose(in["x"], integers(c.Numbers("perm"))...)
		return grad.Reshape(turned, integers(c.Numbers("shape"))...)
	},
	"layer_norm": func(c embedtest.Case, in args) *grad.Node {
		return grad.LayerNorm(in["x"], in["gain"], in["bias"], float32(c.Number("eps")))
	},
	"attention": func(_ embedtest.Case, in args) *grad.Node { return attention(in) },
}

// attention is multi-head self-attention, composed as a user would.
func attention(in args) *grad.Node {
	const batch, tokens, heads, dim = 2, 5, 2, 4
	project := func(w, b string) *grad.Node {
		y := grad.Add(grad.MatMul(in["x"], in[w]), in[b])
		return grad.Transpose(grad.Reshape(y, batch, tokens, heads, dim), 0, 2, 1, 3)
	}
	q, k, v := project("wq", "bq"), project("wk", "bk"), project("wv", "bv")
	scores := grad.Scale(grad.MatMul(q, grad.Transpose(k, 0, 1, 3, 2)), .5)
	mixed := grad.Transpose(grad.MatMul(grad.Softmax(scores), v), 0, 2, 1, 3)
	return grad.Add(grad.MatMul(grad.Reshape(mixed, batch, tokens, heads*dim), in["wo"]), in["bo"])
}

// TestOperatorsAgreeWithPyTorch compares values and gradients.
func TestOperatorsAgreeWithPyTorch(t *testing.T) {
	rt := orttest.Runtime(t)
	for name, build := range goldenOps {
		t.Run(name, func(t *testing.T) {
			c := embedtest.Read(t, name)
			g := grad.NewGraph()
			nodes, feed := args{}, ort.Tensors{}
			var inputs []string
			for in, a := range c.Inputs {
				if _, ok := c.Grads[in]; !ok {
					nodes[in] = g.Data(in, onnx.Int64, a.Shape...)
					feed[in] = &ort.Tensor{Shape: int64s(a.Shape), Data: int64s(a.Ints())}
					continue
				}
				nodes[in] = g.Data(in, onnx.Float, a.Shape...)
				feed[in] = &ort.Tensor{Shape: int64s(a.Shape), Data: a.Float32s()}
				inputs = append(inputs, in)
			}
			y := build(c, nodes)
			outputs := map[string]*grad.Node{"y": y}
			up := c.Upstream["y"]
			loss := grad.Sum(grad.Mul(y, g.Array(up.Float32s(), up.Shape...)))
			var wrt []*grad.Node
			for _, in := range inputs {
				wrt = append(wrt, nodes[in])
			}
			for i, d := range grad.Gradients(loss, nil, wrt...) {
				outputs["d_"+inputs[i]] = d
			}
			out := gradtest.Call(t, rt, outputs, feed)
			embedtest.Near(t, "y", out["y"], c.Outputs["y"].Data, tolerance)
			for _, in := range inputs {
				embedtest.Near(t, "gradient of "+in, out["d_"+in], c.Grads[in].Data, tolerance)
			}
		})
	}
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, n := range v {
		out[i] = int64(n)
	}
	return out
}

func integers(v []float64) []int {
	out := make([]int, len(v))
	for i, n := range v {
		out[i] = int(n)
	}
	return out
}
