package grad

import (
	"maps"
	"slices"

	"engram/embed/onnx"
)

// Export returns an ONNX model that computes outputs, by name, with the
// parameters' values as constants. Its inputs are the Data and Step leaves, and
// the parameters too where values is nil.
func Export(outputs map[string]*Node, values map[string][]float32) ([]byte, error) {
	return onnx.Marshal(model("engram", outputs, values))
}

// model emits outputs as a graph. Parameters are constants where values are
// given, and inputs otherwise.
func model(name string, outputs map[string]*Node, values map[string][]float32) *onnx.Graph {
	names := slices.Sorted(maps.Keys(outputs))
	nodes := make([]*Node, len(names))
	for i, n := range names {
		nodes[i] = outputs[n]
	}
	e := newEmitter("v", func(_ *emitter, n *Node) []string { return []string{n.op.leaf.name} })
	e.graph.Name = name
	for _, o := range ancestors(nodes...) {
		switch {
		case o.leaf.kind == notLeaf || o.leaf.kind == leafConst:
		case o.leaf.kind == leafParam && values != nil:
			p := o.leaf.param
			e.graph.Consts = append(e.graph.Consts, onnx.Tensor{
				Name: p.Name, Type: onnx.Float, Shape: int64s(p.Shape), Data: values[p.Name],
			})
		default:
			e.graph.Inputs = append(e.graph.Inputs, leafValue(o))
		}
	}
	e.write(nodes...)
	for i, n := range nodes {
		e.graph.Nodes = append(e.graph.Nodes, onnx.Node{Op: "Identity", Inputs: []string{e.value(n)}, Outputs: []string{names[i]}})
		e.graph.Outputs = append(e.graph.Outputs, onnx.Value{Name: names[i], Type: n.dtype, Shape: int64s(n.shape)})
	}
	return &e.graph
}

// leafValue declares a leaf as a graph input.
func leafValue(o *op) onnx.Value {
	return onnx.Value{Name: o.leaf.name, Type: o.leaf.dtype, Shape: int64s(o.leaf.shape)}
}
