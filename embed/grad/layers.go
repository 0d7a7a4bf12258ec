package grad

import (
	"fmt"
	"slices"

	"engram/embed/onnx"
)

// lastAxis is the attribute of operators that work along the last axis.
var lastAxis = onnx.Attr{Name: "axis", Value: int64(-1)}

// Softmax returns the softmax over the last axis.
func Softmax(a *Node) *Node {
	y := a.op.graph.simple("Softmax", onnx.Float, a.shape, []onnx.Attr{lastAxis}, a)
	y.op.backward = func(dy *Node) []*Node {
		return []*Node{Mul(y, Sub(dy, keepLast(Sum(Mul(dy, y), len(a.shape)-1))))}
	}
	return y
}

// LogSoftmax returns the logarithm of the softmax over the last axis.
func LogSoftmax(a *Node) *Node {
	y := a.op.graph.simple("LogSoftmax", onnx.Float, a.shape, []onnx.Attr{lastAxis}, a)
	y.op.backward = func(dy *Node) []*Node {
		return []*Node{Sub(dy, Mul(Exp(y), keepLast(Sum(dy, len(a.shape)-1))))}
	}
	return y
}

// keepLast appends an axis of size 1.
func keepLast(a *Node) *Node { return Reshape(a, append(a.Shape(), 1)...) }

// LayerNorm normalises over the last axis to mean 0 and variance 1, then
// scales by gain and shifts by bias, both of that axis's size (Ba et al. 2016,
// arXiv 1607.06450). eps is added to the variance.
func LayerNorm(a, gain, bias *Node, eps float32) *Node {
	last := len(a.shape) - 1
	if last < 0 || !slices.Equal(gain.shape, a.shape[last:]) || !slices.Equal(bias.shape, gain.shape) {
		panic(fmt.Sprintf("grad: LayerNorm of %v with gain %v and bias %v", a.shape, gain.shape, bias.shape))
	}
	g := a.op.graph
	y := g.node(onnx.Float, a.shape, a, gain, bias)
	stat := append(append([]int(nil), a.shape[:last]...), 1)
	mean := &Node{op: y.op, index: 1, shape: stat, dtype: onnx.Float}
	inverse := &Node{op: y.op, index: 2, shape: stat, dtype: onnx.Float} // 1/standard deviation
	y.op.emit = func(e *emitter) []string {
		attrs := []onnx.Attr{lastAxis, {Name: "epsilon", Value: eps}}
		return e.addMany("LayerNormalization", 3, attrs, e.value(a), e.value(gain), e.value(bias))
	}
	y.op.backward = func(dy *Node) []*Node {
		normed := Mul(Sub(a, mean), inverse)
		dn := Mul(dy, gain)
		along := keepLast(Mean(Mul(dn, normed), last))
		da := Mul(inverse, Sub(Sub(dn, keepLast(Mean(dn, last))), Mul(normed, along)))
		return []*Node{da, sumTo(Mul(dy, normed), gain.shape), sumTo(dy, bias.shape)}
	}
	return y
}

// Unit scales each vector along the last axis to unit length.
func Unit(a *Node) *Node {
	last := len(a.shape) - 1
	// The square root of a zero vector has no gradient; 1e-24 keeps it finite.
	squares := Add(Sum(Mul(a, a), last), a.op.graph.Const(1e-24))
	return Div(a, keepLast(Sqrt(squares)))
}

// Dropout zeroes each element with probability p and scales the others by
// 1/(1-p) (Srivastava et al. 2014). seed is an int64 scalar, usually a Step
// input; equal seeds give equal masks, and no two Dropouts of a graph share one.
func Dropout(a *Node, p float32, seed *Node) *Node {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("grad: Dropout with probability %v", p))
	}
	if p == 0 {
		return a
	}
	u := Uniform(seed, a.shape...)
	g := a.op.graph
	keep := Float(g.simple("GreaterOrEqual", onnx.Bool, a.shape, nil, u, g.Const(p)))
	return Mul(a, Scale(keep, 1/(1-p)))
}

// The primes of Uniform's hash.
const (
	prime1     = 2147483647 // 2³¹-1
	prime2     = 2147483629
	multiplier = 48271 // a primitive root modulo 2³¹-1 (Park, Miller and Stockmeyer 1993)
)

// Uniform returns random numbers in [0, 1) that depend on nothing but the
// seed (an int64 scalar ≥ 0) and the element's position, counted through all
// calls on this graph. No generator state is kept, so that a run that resumes
// from a checkpoint, or runs on another device, draws the same numbers.
//
// Each number is a hash: position and seed enter a multiplicative congruential
// step, and two quadratic steps modulo two primes near 2³¹ mix it.
func Uniform(seed *Node, shape ...int) *Node {
	count := size(shape)
	if count < 0 {
		panic(fmt.Sprintf("grad: Uniform of shape %v", shape))
	}
	g := seed.op.graph
	first := int64(g.drawn)
	g.drawn += count
	n := g.node(onnx.Float, shape, seed)
	n.op.emit = func(e *emitter) []string {
		position := e.add("Range", nil, e.scalar(first), e.scalar(first+int64(count)), e.scalar(1))
		mod := func(x string, prime int64) string { return e.add("Mod", nil, x, e.scalar(prime)) }
		square := func(x, y string) string { return e.add("Mul", nil, x, y) }
		s := mod(e.value(seed), prime2)
		s = mod(square(s, e.add("Add", nil, s, e.scalar(multiplier))), prime1)
		h := mod(e.add("Add", nil, e.add("Mul", nil, position, e.scalar(multiplier)), s), prime1)
		h = mod(e.add("Add", nil, square(h, h), s), prime2)
		h = mod(e.add("Add", nil, square(h, h), position), prime1)
		u := e.add("Cast", []onnx.Attr{{Name: "to", Value: int64(onnx.Float)}}, h)
		// 2³¹ as float32 is above every h, but rounding of h may reach it.
		u = e.add("Min", nil, e.add("Mul", nil, u, e.float(1.0/(1<<31))), e.float(1-1.0/(1<<24)))
		return []string{e.add("Reshape", nil, u, e.ints(n.shape...))}
	}
	return n
}
