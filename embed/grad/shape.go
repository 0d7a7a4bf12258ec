package grad

import (
	"fmt"
	"slices"

	"engram/embed/onnx"
)

// Reshape returns a with another shape of the same size.
func Reshape(a *Node, shape ...int) *Node {
	if size(shape) != size(a.shape) {
		panic(fmt.Sprintf("grad: Reshape of %v to %v", a.shape, shape))
	}
	if slices.Equal(a.shape, shape) {
		return a
	}
	g := a.op.graph
	n := g.node(a.dtype, shape, a)
	n.op.emit = func(e *emitter) []string {
		return []string{e.add("Reshape", nil, e.value(a), e.ints(n.shape...))}
	}
	n.op.backward = func(dy *Node) []*Node { return []*Node{Reshape(dy, a.shape...)} }
	return n
}

// Transpose returns a with its axes in the order perm.
func Transpose(a *Node, perm ...int) *Node {
	if len(perm) != len(a.shape) {
		panic(fmt.Sprintf("grad: Transpose of %v by %v", a.shape, perm))
	}
	shape, inverse := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], inverse[p] = a.shape[p], i
	}
	n := a.op.graph.simple("Transpose", a.dtype, shape, []onnx.Attr{{Name: "perm", Value: int64s(perm)}}, a)
	n.op.backward = func(dy *Node) []*Node { return []*Node{Transpose(dy, inverse...)} }
	return n
}

// Slice returns the elements from ≤ i < to along an axis.
func Slice(a *Node, axis, from, to int) *Node {
	if from < 0 || to > a.shape[axis] || from >= to {
		panic(fmt.Sprintf("grad: Slice of %v: %d to %d on axis %d", a.shape, from, to, axis))
	}
	shape := slices.Clone(a.shape)
	shape[axis] = to - from
	g := a.op.graph
	n := g.node(a.dtype, shape, a)
	n.op.emit = func(e *emitter) []string {
		return []string{e.add("Slice", nil, e.value(a), e.ints(from), e.ints(to), e.ints(axis))}
	}
	n.op.backward = func(dy *Node) []*Node { return []*Node{pad(dy, axis, from, a.shape[axis]-to)} }
	return n
}

// pad adds before and after zeros along an axis. It is the gradient of Slice.
func pad(a *Node, axis, before, after int) *Node {
	shape := slices.Clone(a.shape)
	shape[axis] += before + after
	pads := make([]int, 2*len(shape))
	pads[axis], pads[len(shape)+axis] = before, after
	n := a.op.graph.node(a.dtype, shape, a)
	n.op.emit = func(e *emitter) []string {
		return []string{e.add("Pad", nil, e.value(a), e.ints(pads...))}
	}
	n.op.backward = func(dy *Node) []*Node {
		return []*Node{Slice(dy, axis, before, before+a.shape[axis])}
	}
	return n
}

// Concat joins nodes along an axis.
func Concat(axis int, parts ...*Node) *Node {
	first := parts[0]
	shape := slices.Clone(first.shape)
	shape[axis] = 0
	for _, p := range parts {
		rest := slices.Clone(p.shape)
		if len(rest) != len(shape) || p.dtype != first.dtype {
			panic(fmt.Sprintf("grad: Concat of %v and %v", first.shape, p.shape))
		}
		rest[axis] = shape[axis]
		if !slices.Equal(rest, shape) || p.shape[axis] == Batch && len(parts) > 1 {
			panic(fmt.Sprintf("grad: Concat of %v and %v on axis %d", first.shape, p.shape, axis))
		}
		shape[axis] += p.shape[axis]
	}
	n := first.op.graph.simple("Concat", first.dtype, shape, []onnx.Attr{{Name: "axis", Value: int64(axis)}}, parts...)
	n.op.backward = func(dy *Node) []*Node {
		grads, at := make([]*Node, len(parts)), 0
		for i, p := range parts {
			grads[i] = Slice(dy, axis, at, at+p.shape[axis])
			at += p.shape[axis]
		}
		return grads
	}
	return n
}

// Rows returns the rows of a (its first axis) that rows, an int64 node of any
// shape, names. The result has shape rows.Shape()+a.Shape()[1:].
func Rows(a, rows *Node) *Node {
	shape := append(slices.Clone(rows.shape), a.shape[1:]...)
	n := a.op.graph.simple("Gather", a.dtype, shape, []onnx.Attr{{Name: "axis", Value: int64(0)}}, a, rows)
	n.op.backward = func(dy *Node) []*Node { return []*Node{scatterRows(dy, rows, a.shape), nil} }
	return n
}

// scatterRows adds the rows of dy into an array of zeros at the places that
// rows names. It is the gradient of Rows.
func scatterRows(dy, rows *Node, shape []int) *Node {
	n := dy.op.graph.node(onnx.Float, shape, dy, rows)
	n.op.emit = func(e *emitter) []string {
		zeros := e.add("ConstantOfShape", nil, e.ints(shape...))
		// ScatterND wants each index as a row of its own.
		index := e.add("Unsqueeze", nil, e.value(rows), e.ints(len(rows.shape)))
		attrs := []onnx.Attr{{Name: "reduction", Value: "add"}}
		return []string{e.add("ScatterND", attrs, zeros, index, e.value(dy))}
	}
	n.op.backward = func(d *Node) []*Node { return []*Node{Rows(d, rows), nil} }
	return n
}

// Sum returns the sum over axes, which the result lacks; without axes over all.
func Sum(a *Node, axes ...int) *Node { return reduce("ReduceSum", a, axes, 1) }

// Mean returns the mean over axes, which the result lacks; without axes over all.
func Mean(a *Node, axes ...int) *Node {
	count := 1
	for _, axis := range allAxes(a, axes) {
		if a.shape[axis] == Batch {
			panic(fmt.Sprintf("grad: Mean of %v over its first axis, of unknown size", a.shape))
		}
		count *= a.shape[axis]
	}
	return reduce("ReduceMean", a, axes, 1/float32(count))
}

// reduce adds a reduction whose gradient is factor times the output's.
func reduce(name string, a *Node, axes []int, factor float32) *Node {
	axes = allAxes(a, axes)
	var shape, kept []int // without and with the reduced axes
	for i, d := range a.shape {
		if slices.Contains(axes, i) {
			kept = append(kept, 1)
			continue
		}
		shape, kept = append(shape, d), append(kept, d)
	}
	g := a.op.graph
	n := g.node(a.dtype, shape, a)
	n.op.emit = func(e *emitter) []string {
		attrs := []onnx.Attr{{Name: "keepdims", Value: int64(0)}}
		return []string{e.add(name, attrs, e.value(a), e.ints(axes...))}
	}
	n.op.backward = func(dy *Node) []*Node {
		dy = Reshape(dy, kept...)
		if factor != 1 {
			dy = Scale(dy, factor)
		}
		return []*Node{expand(dy, a.shape)}
	}
	return n
}

// allAxes returns a copy of axes, all of a's where there are none.
func allAxes(a *Node, axes []int) []int {
	if len(axes) > 0 {
		return slices.Clone(axes)
	}
	all := make([]int, len(a.shape))
	for i := range all {
		all[i] = i
	}
	return all
}

// expand broadcasts a to shape.
func expand(a *Node, shape []int) *Node {
	n := a.op.graph.node(a.dtype, shape, a)
	n.op.emit = func(e *emitter) []string {
		return []string{e.add("Expand", nil, e.value(a), e.ints(shape...))}
	}
	n.op.backward = func(dy *Node) []*Node { return []*Node{sumTo(dy, a.shape)} }
	return n
}
