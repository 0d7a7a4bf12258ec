package grad

import (
	"fmt"
	"math"

	"engram/embed/onnx"
)

// emitter writes nodes into one ONNX graph. Values are named by counting, and
// equal constants are written once.
type emitter struct {
	graph   onnx.Graph
	prefix  string // of the names, so that a body's differ from those around it
	count   int
	outputs map[*op][]string
	pieces  map[string][]string // row and column blocks already written
	consts  map[any]string
	// factor names the scalar by which a kept parameter must be multiplied to be
	// its value, "" for 1. It may be nil.
	factor func(n *Node) string
	// leafName returns the name under which a leaf that is not a constant is
	// known, or the names of its row blocks.
	leafName func(e *emitter, n *Node) []string
}

func newEmitter(prefix string, leafName func(e *emitter, n *Node) []string) *emitter {
	return &emitter{
		prefix:   prefix,
		outputs:  map[*op][]string{},
		pieces:   map[string][]string{},
		consts:   map[any]string{},
		leafName: leafName,
	}
}

// write emits the ops that nodes depend on, in the order of their making.
func (e *emitter) write(nodes ...*Node) {
	for _, o := range ancestors(nodes...) {
		// The others follow when something asks for their value: an op that
		// is only wanted in row blocks is never written whole.
		if o.leaf.kind == notLeaf && o.block == nil {
			e.op(o)
		}
	}
}

// op emits o unless it is there and returns its outputs' names.
func (e *emitter) op(o *op) []string {
	if names, ok := e.outputs[o]; ok {
		return names
	}
	names := o.emit(e)
	e.outputs[o] = names
	return names
}

// value returns the name of n's value, which is emitted where it is not there.
func (e *emitter) value(n *Node) string { return e.op(n.op)[n.index] }

// leaf returns the name of an input or parameter, which is joined from its
// blocks where it has some.
func (e *emitter) leaf(n *Node) string {
	names := e.leafName(e, n)
	if len(names) == 1 {
		return e.scaled(n, names[0])
	}
	return e.scaled(n, e.transposed(e.add("Concat", []onnx.Attr{{Name: "axis", Value: int64(1)}}, names...)))
}

// scaled multiplies name, which was computed from the parameter n as it is kept
// and is linear in it, by n's factor.
func (e *emitter) scaled(n *Node, name string) string {
	if e.factor == nil {
		return name
	}
	if factor := e.factor(n); factor != "" {
		return e.add("Mul", nil, name, factor)
	}
	return name
}

// stored returns the heights of the blocks in which a parameter is kept, nil for
// every other node.
func (e *emitter) stored(n *Node) []int {
	if n.op.leaf.kind != leafParam {
		return nil
	}
	if names := e.leafName(e, n); len(names) > 1 {
		return blockHeights(n.shape)
	}
	return nil
}

// block returns block i of n, cut into blocks of the given heights as a
// parameter is kept: transposed where there are several.
func (e *emitter) block(n *Node, heights []int, i int) string {
	if len(heights) == 1 {
		return e.value(n)
	}
	if e.stored(n) != nil {
		return e.scaled(n, e.leafName(e, n)[i])
	}
	_, written := e.outputs[n.op]
	if written || n.op.block == nil {
		return e.transposed(e.split(n, 0, heights)[i])
	}
	key := fmt.Sprint("block", n.op.id, i, heights)
	if _, ok := e.pieces[key]; !ok {
		e.pieces[key] = []string{n.op.block(e, heights, i)}
	}
	return e.pieces[key][0]
}

// split cuts n into pieces of the given sizes along an axis.
func (e *emitter) split(n *Node, axis int, sizes []int) []string {
	key := fmt.Sprint("split", n.op.id, n.index, axis, sizes)
	if _, ok := e.pieces[key]; !ok {
		attrs := []onnx.Attr{{Name: "axis", Value: int64(axis)}}
		e.pieces[key] = e.addMany("Split", len(sizes), attrs, e.value(n), e.ints(sizes...))
	}
	return e.pieces[key]
}

// transposed writes the transpose of a matrix.
func (e *emitter) transposed(matrix string) string {
	return e.add("Transpose", []onnx.Attr{{Name: "perm", Value: []int64{1, 0}}}, matrix)
}

// add writes a node with one output and returns that output's name.
func (e *emitter) add(name string, attrs []onnx.Attr, in ...string) string {
	return e.addMany(name, 1, attrs, in...)[0]
}

// addMany writes a node with several outputs.
func (e *emitter) addMany(name string, outputs int, attrs []onnx.Attr, in ...string) []string {
	out := make([]string, outputs)
	for i := range out {
		out[i] = e.fresh()
	}
	e.graph.Nodes = append(e.graph.Nodes, onnx.Node{Op: name, Inputs: in, Outputs: out, Attrs: attrs})
	return out
}

// generated is in every name of a value that is not a leaf's, and in no leaf's:
// without it a leaf "v1" would meet the first value of the loop's body.
const generated = ":"

func (e *emitter) fresh() string {
	e.count++
	return fmt.Sprintf("%s%s%d", e.prefix, generated, e.count)
}

// constant writes an array.
func (e *emitter) constant(t onnx.Tensor) string {
	t.Name = e.fresh()
	e.graph.Consts = append(e.graph.Consts, t)
	return t.Name
}

// ints returns a constant int64 vector, as shapes and axes are given.
func (e *emitter) ints(v ...int) string {
	return e.once(fmt.Sprint("ints", v), onnx.Tensor{Type: onnx.Int64, Shape: []int64{int64(len(v))}, Data: int64s(v)})
}

// scalar returns a constant int64 scalar.
func (e *emitter) scalar(v int64) string {
	return e.once(v, onnx.Tensor{Type: onnx.Int64, Data: []int64{v}})
}

// float returns a constant float32 scalar.
func (e *emitter) float(v float32) string {
	return e.once(math.Float32bits(v), onnx.Tensor{Type: onnx.Float, Data: []float32{v}})
}

// once writes a constant unless an equal one, known by key, is there.
func (e *emitter) once(key any, t onnx.Tensor) string {
	if name, ok := e.consts[key]; ok {
		return name
	}
	e.consts[key] = e.constant(t)
	return e.consts[key]
}
