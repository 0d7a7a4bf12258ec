package grad

import (
	"slices"

	"engram/embed/onnx"
	"engram/embed/ort"
)

// updateInPlace writes an operator AdamW for every block and returns the name of a
// bool that is true when the last has run. An update changes what the rest of the
// step reads, so the first waits for the rest (see before), and each for the one
// before it.
func (b *loopBuilder) updateInPlace(blocks []stateBlock) string {
	wait := before(b.body.graph.Nodes, blocks)
	for _, block := range blocks {
		scalars := fusedStep
		if b.opt.decays(block.param) {
			scalars = fusedStepP
		}
		in := []string{block.old.p, block.old.m, block.old.v, block.grad, b.step(scalars)}
		done := b.body.fresh()
		b.body.graph.Nodes = append(b.body.graph.Nodes, onnx.Node{
			Op: ort.AdamWOp, Domain: ort.AdamWDomain, Inputs: append(in, wait...), Outputs: []string{done},
		})
		wait = []string{done}
	}
	return wait[0]
}

// before returns values that are computed only after every node that reads a
// parameter. Left out is what serves the gradients alone and reads no parameter, so
// that a block's gradient can be computed just before its update, while it is in the
// cache.
func before(nodes []onnx.Node, blocks []stateBlock) []string {
	reads := readers(nodes, blocks)
	late := map[string]bool{} // values that may be computed between the updates
	for _, b := range blocks {
		late[b.grad] = true
	}
	needed := map[string]bool{} // values that a node reads that is not late
	var last []string
	for i, n := range slices.Backward(nodes) {
		isLate := func(name string) bool { return late[name] && !needed[name] }
		if !reads[i] && slices.ContainsFunc(n.Outputs, isLate) && !slices.ContainsFunc(n.Outputs, func(name string) bool { return needed[name] }) {
			for _, in := range n.Inputs {
				late[in] = true
			}
			continue
		}
		for _, in := range n.Inputs {
			needed[in] = true
		}
		if !slices.ContainsFunc(n.Outputs, func(name string) bool { return needed[name] }) {
			last = append(last, n.Outputs[0])
		}
	}
	return last
}

// mayView says of an operator whether its output may be the memory of its input, or
// ONNX Runtime may compute it again inside the operators after it.
func mayView(op string) bool {
	switch op {
	case "Reshape", "Transpose", "Identity", "Unsqueeze", "Squeeze", "Expand", "Cast", "Mul", "Split", "Slice", "Concat":
		return true
	}
	return false
}

// readers says of each node whether it reads a parameter, or a view of one.
func readers(nodes []onnx.Node, blocks []stateBlock) []bool {
	kept := map[string]bool{}
	for _, b := range blocks {
		kept[b.old.p] = true
	}
	reads := make([]bool, len(nodes))
	for i, n := range nodes {
		reads[i] = slices.ContainsFunc(n.Inputs, func(name string) bool { return kept[name] })
		if reads[i] && mayView(n.Op) {
			for _, out := range n.Outputs {
				kept[out] = true
			}
		}
	}
	return reads
}
