package grad

import (
	"fmt"
	"slices"
	"strings"

	"engram/embed/onnx"
)

// Batch is the size of a first dimension that is known only when the model runs.
const Batch = -1

// Graph makes and owns nodes. It is not safe for concurrent use.
type Graph struct {
	ops    int
	params []*Param
	names  map[string]bool
	drawn  int // random numbers that one step draws so far, see Uniform
}

// NewGraph returns an empty graph.
func NewGraph() *Graph { return &Graph{names: map[string]bool{}} }

// Node is a value of the graph: an array of float32, int64 or bool elements.
type Node struct {
	op    *op
	index int // which output of op
	shape []int
	dtype onnx.ElemType
}

// op is one operator applied to inputs.
type op struct {
	graph *Graph
	id    int // in order of creation, which is a topological order
	in    []*Node
	leaf  leaf
	// emit writes the operator and returns the names of its outputs.
	emit func(e *emitter) []string
	// backward returns the gradient of each input, given the gradient of output
	// 0; nil for an input without one. A nil backward stops differentiation.
	backward func(grad *Node) []*Node
	// block writes block i of output 0, cut as a parameter of its shape is (see
	// blockHeights), without making the whole first; nil where the operator
	// cannot.
	block func(e *emitter, heights []int, i int) string
}

// leaf says what kind of input an op without inputs is.
type leaf struct {
	kind  leafKind
	name  string
	dtype onnx.ElemType
	shape []int
	param *Param // of a leafParam
}

type leafKind int

const (
	notLeaf leafKind = iota
	leafParam
	leafData
	leafStep
	leafConst
)

// Param is a trained array.
type Param struct {
	Name  string
	Shape []int
	Decay bool // whether weight decay applies: true for matrices, false for biases and gains
	node  *Node
}

// Node returns the parameter as a value of its graph.
func (p *Param) Node() *Node { return p.node }

// Size returns the number of elements.
func (p *Param) Size() int { return size(p.Shape) }

// Shape returns the dimensions; the first may be Batch.
func (n *Node) Shape() []int { return slices.Clone(n.shape) }

// Param adds a trained array of float32.
func (g *Graph) Param(name string, decay bool, shape ...int) *Param {
	p := &Param{Name: name, Shape: slices.Clone(shape), Decay: decay}
	p.node = g.leaf(leaf{kind: leafParam, name: name, param: p}, onnx.Float, shape)
	g.params = append(g.params, p)
	return p
}

// Params returns the trained arrays in order of creation.
func (g *Graph) Params() []*Param { return slices.Clone(g.params) }

// Data adds an input that stays the same during an epoch.
func (g *Graph) Data(name string, dtype onnx.ElemType, shape ...int) *Node {
	return g.leaf(leaf{kind: leafData, name: name}, dtype, shape)
}

// Step adds an input whose slices are seen one per step: an epoch of S steps is
// fed an array of shape [S, shape...].
func (g *Graph) Step(name string, dtype onnx.ElemType, shape ...int) *Node {
	return g.leaf(leaf{kind: leafStep, name: name}, dtype, shape)
}

// Const adds a constant scalar.
func (g *Graph) Const(v float32) *Node { return g.Array([]float32{v}) }

// Array adds a constant float32 array, which keeps data; without a shape it is a
// scalar.
func (g *Graph) Array(data []float32, shape ...int) *Node {
	return g.constant(onnx.Tensor{Type: onnx.Float, Shape: int64s(shape), Data: data})
}

// Ints adds a constant int64 array, which keeps data; without a shape it is a
// scalar.
func (g *Graph) Ints(data []int64, shape ...int) *Node {
	return g.constant(onnx.Tensor{Type: onnx.Int64, Shape: int64s(shape), Data: data})
}

func (g *Graph) constant(t onnx.Tensor) *Node {
	n := g.node(t.Type, ints(t.Shape))
	n.op.leaf.kind = leafConst
	n.op.emit = func(e *emitter) []string { return []string{e.constant(t)} }
	return n
}

func (g *Graph) leaf(l leaf, dtype onnx.ElemType, shape []int) *Node {
	if l.name == "" || g.names[l.name] || strings.Contains(l.name, generated) {
		panic(fmt.Sprintf("grad: leaf name %q is empty, taken or has a %q", l.name, generated))
	}
	g.names[l.name] = true
	n := g.node(dtype, shape)
	l.dtype, l.shape = dtype, n.shape
	n.op.leaf = l
	n.op.emit = func(e *emitter) []string { return []string{e.leaf(n)} }
	return n
}

// node adds an op with one output.
func (g *Graph) node(dtype onnx.ElemType, shape []int, in ...*Node) *Node {
	for i, d := range shape {
		if d < 0 && (i > 0 || d != Batch) {
			panic(fmt.Sprintf("grad: shape %v: only the first dimension may be Batch", shape))
		}
	}
	for _, n := range in {
		if n.op.graph != g {
			panic("grad: nodes of two graphs meet")
		}
	}
	o := &op{graph: g, id: g.ops, in: in}
	g.ops++
	return &Node{op: o, shape: slices.Clone(shape), dtype: dtype}
}

// simple adds an op that is one ONNX node with one output.
func (g *Graph) simple(name string, dtype onnx.ElemType, shape []int, attrs []onnx.Attr, in ...*Node) *Node {
	n := g.node(dtype, shape, in...)
	n.op.emit = func(e *emitter) []string {
		names := make([]string, len(in))
		for i, x := range in {
			names[i] = e.value(x)
		}
		return []string{e.add(name, attrs, names...)}
	}
	return n
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

func ints(v []int64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

// Graph returns the graph that n belongs to.
func (n *Node) Graph() *Graph { return n.op.graph }
