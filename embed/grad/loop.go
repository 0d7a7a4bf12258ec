package grad

import (
	"engram/embed/onnx"
)

// Names inside the loop model.
const (
	tripName = "loop.steps"
	iterName = "loop.step"
	condName = "loop.go_on"
)

// loopBuilder writes the model of an epoch: a Loop whose body is the forward
// pass, the backward pass and the optimiser's update of every parameter block.
type loopBuilder struct {
	opt  AdamW
	loss *Node

	params []*Param // that the loss depends on
	grads  []*Node  // of params
	outer  *emitter
	body   *emitter
	steps  map[string]string // Step leaf or per-step scalar → its slice in the body
}

func (b *loopBuilder) build() *onnx.Graph {
	g := b.loss.op.graph
	scale := g.scaleLeaf()
	var leaves []*Node
	for _, p := range g.params {
		leaves = append(leaves, p.node)
	}
	for i, d := range Gradients(b.loss, scale, leaves...) {
		if d != nil {
			b.params, b.grads = append(b.params, g.params[i]), append(b.grads, d)
		}
	}
	b.steps = map[string]string{}
	b.outer = newEmitter("o", nil)
	b.body = newEmitter("v", b.leafName)
	b.body.factor = func(n *Node) string {
		if p := n.op.leaf.param; p != nil && b.opt.decays(p) {
			return b.step(scaleP)
		}
		return ""
	}
	b.outer.graph.Name, b.body.graph.Name = "epoch", "step"
	b.declareInputs()
	b.writeBody()
	b.writeLoop()
	return &b.outer.graph
}

// leafName gives the names of a leaf inside the body: a state variable's
// blocks, an array of the graph around, or this step's slice of one.
func (b *loopBuilder) leafName(e *emitter, n *Node) []string {
	l := n.op.leaf
	switch l.kind {
	case leafParam:
		var names []string
		for i := range blockHeights(l.shape) {
			names = append(names, blockName("", "p", l.param, i))
		}
		return names
	case leafStep:
		return []string{b.step(l.name)}
	}
	return []string{l.name}
}

// step returns the name of the current slice of a per-step array.
func (b *loopBuilder) step(name string) string {
	if _, ok := b.steps[name]; !ok {
		attrs := []onnx.Attr{{Name: "axis", Value: int64(0)}}
		b.steps[name] = b.body.add("Gather", attrs, name, iterName)
	}
	return b.steps[name]
}

// declareInputs lists the inputs of the whole model but for the state.
func (b *loopBuilder) declareInputs() {
	in := []onnx.Value{{Name: tripName, Type: onnx.Int64}}
	perStep, once := []string{gradScale, decayM, rate, eps}, []string{openV, closeV, closeM}
	if b.opt.WeightDecay != 0 {
		perStep, once = append(perStep, rateP, scaleP), append(once, closeP)
	}
	for _, name := range perStep {
		in = append(in, onnx.Value{Name: name, Type: onnx.Float, Shape: []int64{-1}})
	}
	for _, name := range once {
		in = append(in, onnx.Value{Name: name, Type: onnx.Float})
	}
	for _, o := range ancestors(b.loss) {
		v := leafValue(o)
		switch o.leaf.kind {
		case leafData:
			in = append(in, v)
		case leafStep:
			v.Shape = append([]int64{-1}, v.Shape...)
			in = append(in, v)
		}
	}
	b.outer.graph.Inputs = in
}

// writeBody writes one step.
func (b *loopBuilder) writeBody() {
	e := b.body
	e.graph.Inputs = []onnx.Value{{Name: iterName, Type: onnx.Int64}, {Name: condName, Type: onnx.Bool}}
	e.write(append([]*Node{b.loss}, b.grads...)...)
	b.output(e.add("Identity", nil, condName), onnx.Bool, nil)
	for i, p := range b.params {
		heights := blockHeights(p.Shape)
		for k := range heights {
			old := triple{blockName("", "p", p, k), blockName("", "m", p, k), blockName("", "v", p, k)}
			next := b.opt.update(e, p, old, e.block(b.grads[i], heights, k), b.step)
			shape := blockShape(p.Shape, heights, k)
			for _, pair := range [][2]string{{old.p, next.p}, {old.m, next.m}, {old.v, next.v}} {
				e.graph.Inputs = append(e.graph.Inputs, onnx.Value{Name: pair[0], Type: onnx.Float, Shape: shape})
				b.output(pair[1], onnx.Float, shape)
			}
		}
	}
	b.output(e.add("Identity", nil, e.value(b.loss)), onnx.Float, nil)
}

func (b *loopBuilder) output(name string, dtype onnx.ElemType, shape []int64) {
	b.body.graph.Outputs = append(b.body.graph.Outputs, onnx.Value{Name: name, Type: dtype, Shape: shape})
}

// writeLoop writes the Loop with the scaling of the moments before and after.
func (b *loopBuilder) writeLoop() {
	e := b.outer
	goOn := e.constant(onnx.Tensor{Type: onnx.Bool, Data: []bool{true}})
	loop := onnx.Node{Op: "Loop", Inputs: []string{tripName, goOn}, Attrs: []onnx.Attr{{Name: "body", Value: &b.body.graph}}}
	var after []onnx.Node
	for _, p := range b.params {
		heights := blockHeights(p.Shape)
		for k := range heights {
			for _, kind := range []string{"p", "m", "v"} {
				in, out := blockName("in.", kind, p, k), blockName("out.", kind, p, k)
				shape := blockShape(p.Shape, heights, k)
				e.graph.Inputs = append(e.graph.Inputs, onnx.Value{Name: in, Type: onnx.Float, Shape: shape})
				e.graph.Outputs = append(e.graph.Outputs, onnx.Value{Name: out, Type: onnx.Float, Shape: shape})
				if kind == "v" {
					in = e.add("Mul", nil, in, openV)
				}
				loop.Inputs = append(loop.Inputs, in)
				scale := map[string]string{"m": closeM, "v": closeV}[kind]
				if kind == "p" && b.opt.decays(p) {
					scale = closeP
				}
				if scale != "" {
					scaled := e.fresh()
					after = append(after, onnx.Node{Op: "Mul", Inputs: []string{scaled, scale}, Outputs: []string{out}})
					out = scaled
				}
				loop.Outputs = append(loop.Outputs, out)
			}
		}
	}
	loop.Outputs = append(loop.Outputs, lossName)
	e.graph.Outputs = append(e.graph.Outputs, onnx.Value{Name: lossName, Type: onnx.Float, Shape: []int64{-1}})
	e.graph.Nodes = append(append(e.graph.Nodes, loop), after...)
}

// scaleLeaf returns the per-step scale of the loss's gradient (see AdamW). Each
// loop gets a leaf of its own; all are fed the same input.
func (g *Graph) scaleLeaf() *Node {
	n := g.node(onnx.Float, nil)
	n.op.leaf = leaf{kind: leafStep, name: gradScale, dtype: onnx.Float}
	n.op.emit = func(e *emitter) []string { return []string{e.leaf(n)} }
	return n
}
