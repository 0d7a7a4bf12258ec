package grad

import (
	"fmt"
	"slices"
)

// Gradients returns the gradient of a scalar with respect to each of the
// nodes, times scale (nil for 1). A node that loss does not depend on has the
// gradient nil. Reverse mode, as in Baydin et al. 2018 (JMLR 18), section 3.2.
//
// It panics on a path through a Batch dimension, whose size the gradient would
// have to know, and on one through the statistics of a LayerNorm, which only
// the gradient of a gradient has.
func Gradients(loss, scale *Node, wrt ...*Node) []*Node {
	if len(loss.shape) != 0 {
		panic(fmt.Sprintf("grad: gradient of a loss of shape %v, not of a scalar", loss.shape))
	}
	if scale == nil {
		scale = loss.op.graph.Const(1)
	}
	sorted := ancestors(loss)
	needed := map[*op]bool{} // lies between loss and a node of wrt
	for _, n := range wrt {
		needed[n.op] = true
	}
	for _, o := range sorted {
		for _, in := range o.in {
			if o.backward != nil && needed[in.op] {
				needed[o] = true
			}
		}
	}
	grads := map[*op]*Node{loss.op: scale}
	for _, o := range slices.Backward(sorted) {
		dy := grads[o]
		if dy == nil || o.backward == nil || !needed[o] {
			continue
		}
		for i, d := range o.backward(dy) {
			in := o.in[i]
			if d == nil || !needed[in.op] {
				continue
			}
			if in.index > 0 || len(in.shape) > 0 && in.shape[0] == Batch {
				panic(fmt.Sprintf("grad: no gradient of output %d of shape %v", in.index, in.shape))
			}
			if old := grads[in.op]; old != nil {
				d = Add(old, d)
			}
			grads[in.op] = d
		}
	}
	out := make([]*Node, len(wrt))
	for i, n := range wrt {
		out[i] = grads[n.op]
	}
	return out
}

// ancestors returns the ops that the nodes depend on, in topological order.
func ancestors(nodes ...*Node) []*op {
	seen := map[*op]bool{}
	var all []*op
	var visit func(o *op)
	visit = func(o *op) {
		if seen[o] {
			return
		}
		seen[o] = true
		for _, in := range o.in {
			visit(in.op)
		}
		all = append(all, o)
	}
	for _, n := range nodes {
		visit(n.op)
	}
	slices.SortFunc(all, func(a, b *op) int { return a.id - b.id })
	return all
}
