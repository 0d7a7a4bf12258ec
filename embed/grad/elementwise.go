package grad

import (
	"fmt"
	"math"
	"slices"

	"engram/embed/onnx"
)

// Add returns a+b with NumPy's broadcasting.
func Add(a, b *Node) *Node {
	n := broadcast("Add", a, b)
	n.op.backward = func(dy *Node) []*Node {
		return []*Node{sumTo(dy, a.shape), sumTo(dy, b.shape)}
	}
	if slices.Equal(a.shape, b.shape) {
		n.op.block = func(e *emitter, heights []int, i int) string {
			return e.add("Add", nil, e.block(a, heights, i), e.block(b, heights, i))
		}
	}
	return n
}

// Sub returns a-b with NumPy's broadcasting.
func Sub(a, b *Node) *Node {
	n := broadcast("Sub", a, b)
	n.op.backward = func(dy *Node) []*Node {
		return []*Node{sumTo(dy, a.shape), sumTo(Neg(dy), b.shape)}
	}
	return n
}

// Mul returns the elementwise product with NumPy's broadcasting.
func Mul(a, b *Node) *Node {
	n := broadcast("Mul", a, b)
	n.op.backward = func(dy *Node) []*Node {
		return []*Node{sumTo(Mul(dy, b), a.shape), sumTo(Mul(dy, a), b.shape)}
	}
	return n
}

// Div returns a/b with NumPy's broadcasting.
func Div(a, b *Node) *Node {
	n := broadcast("Div", a, b)
	n.op.backward = func(dy *Node) []*Node {
		da := Div(dy, b)
		return []*Node{sumTo(da, a.shape), sumTo(Neg(Mul(da, n)), b.shape)}
	}
	return n
}

// broadcast adds a binary operator. Elements of int64 nodes have no gradient.
func broadcast(name string, a, b *Node) *Node {
	if a.dtype != b.dtype {
		panic(fmt.Sprintf("grad: %s of element types %d and %d", name, a.dtype, b.dtype))
	}
	return a.op.graph.simple(name, a.dtype, broadcastShape(name, a.shape, b.shape), nil, a, b)
}

func broadcastShape(name string, a, b []int) []int {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		x, y := 1, 1
		if k := i - (len(out) - len(a)); k >= 0 {
			x = a[k]
		}
		if k := i - (len(out) - len(b)); k >= 0 {
			y = b[k]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			panic(fmt.Sprintf("grad: %s of shapes %v and %v", name, a, b))
		}
	}
	return out
}

// sumTo undoes a broadcast: it sums n over the dimensions in which shape is 1
// or missing.
func sumTo(n *Node, shape []int) *Node {
	if slices.Equal(n.shape, shape) {
		return n
	}
	lead := len(n.shape) - len(shape)
	var axes []int
	for i := range n.shape {
		if i < lead || shape[i-lead] == 1 && n.shape[i] != 1 {
			axes = append(axes, i)
		}
	}
	return Reshape(Sum(n, axes...), shape...)
}

// Neg returns -a.
func Neg(a *Node) *Node {
	return unary("Neg", a, func(_, dy *Node) *Node { return Neg(dy) })
}

// Scale returns c·a.
func Scale(a *Node, c float32) *Node { return Mul(a, a.op.graph.Const(c)) }

// Exp returns e^a.
func Exp(a *Node) *Node {
	return unary("Exp", a, func(y, dy *Node) *Node { return Mul(dy, y) })
}

// Sqrt returns the square root of a.
func Sqrt(a *Node) *Node {
	return unary("Sqrt", a, func(y, dy *Node) *Node { return Div(Scale(dy, .5), y) })
}

// Erf returns the error function of a.
func Erf(a *Node) *Node {
	return unary("Erf", a, func(_, dy *Node) *Node {
		return Mul(dy, Scale(Exp(Neg(Mul(a, a))), float32(2/math.Sqrt(math.Pi))))
	})
}

// Sigmoid returns 1/(1+e^-a).
func Sigmoid(a *Node) *Node {
	return unary("Sigmoid", a, func(y, dy *Node) *Node {
		return Mul(dy, Mul(y, Sub(a.op.graph.Const(1), y)))
	})
}

// GELU returns a·Φ(a) in its exact form, with the error function (Hendrycks and
// Gimpel 2016, arXiv 1606.08415).
func GELU(a *Node) *Node {
	return unary("Gelu", a, func(_, dy *Node) *Node {
		// d/da aΦ(a) = Φ(a) + aφ(a).
		g := a.op.graph
		cdf := Scale(Add(Erf(Scale(a, float32(math.Sqrt2/2))), g.Const(1)), .5)
		pdf := Scale(Exp(Scale(Mul(a, a), -.5)), float32(1/math.Sqrt(2*math.Pi)))
		return Mul(dy, Add(cdf, Mul(a, pdf)))
	})
}

// ReLU returns the greater of a and 0. Its gradient at 0 is 0.
func ReLU(a *Node) *Node {
	return unary("Relu", a, func(y, dy *Node) *Node {
		g := a.op.graph
		return Mul(dy, Float(g.simple("Greater", onnx.Bool, a.shape, nil, y, g.Const(0))))
	})
}

// unary adds an elementwise operator; derive returns the gradient of a, given
// the output and its gradient.
func unary(name string, a *Node, derive func(y, dy *Node) *Node) *Node {
	n := a.op.graph.simple(name, a.dtype, a.shape, nil, a)
	n.op.backward = func(dy *Node) []*Node { return []*Node{derive(n, dy)} }
	return n
}

// Float returns a's elements as float32: 1 and 0 for a bool. Float32 elements
// stay as they are; the others have no gradient.
func Float(a *Node) *Node {
	if a.dtype == onnx.Float {
		return a
	}
	return a.op.graph.simple("Cast", onnx.Float, a.shape, []onnx.Attr{{Name: "to", Value: int64(onnx.Float)}}, a)
}

// Equal returns 1 where two int64 arrays are equal and 0 elsewhere, with
// NumPy's broadcasting. It has no gradient.
func Equal(a, b *Node) *Node {
	shape := broadcastShape("Equal", a.shape, b.shape)
	return Float(a.op.graph.simple("Equal", onnx.Bool, shape, nil, a, b))
}
