package grad

import (
	"engram/embed/onnx"
	"engram/embed/ort"
)

// Names inside the loop model.
const (
	tripName = "loop.steps"
	iterName = "loop.step"
	condName = "loop.go_on"
)

// Prefixes of the arrays of a state that the loop carries. An array that is updated
// in place has no prefix: the loop's body refers to the model's input.
const (
	carriedIn  = "in."
	carriedOut = "out."
)

// loopBuilder writes the model of an epoch: a Loop whose body is the forward
// pass, the backward pass and the optimiser's update of every parameter block.
type loopBuilder struct {
	opt  AdamW
	loss *Node
	// fused writes the update as the operator AdamW, which changes the model's
	// inputs in place. Without it the update is operators of the standard set, and
	// the state is carried from step to step and returned as outputs.
	fused bool

	params  []*Param // that the loss depends on
	grads   []*Node  // of params
	outer   *emitter
	body    *emitter
	steps   map[string]string // Step leaf or per-step scalar → its slice in the body
	scalars map[string]string // see scalar
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
	b.steps, b.scalars = map[string]string{}, map[string]string{}
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
		if len(l.shape) == 0 {
			return []string{b.scalar(l.param)}
		}
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

// scalar returns the name of a parameter without axes, which is kept with one (see
// blockShape).
func (b *loopBuilder) scalar(p *Param) string {
	kept := blockName("", "p", p, 0)
	if _, ok := b.scalars[kept]; !ok {
		b.scalars[kept] = b.body.add("Squeeze", nil, kept)
	}
	return b.scalars[kept]
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
	in = append(in, b.optimiserInputs()...)
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

// optimiserInputs lists the scalars of the optimiser.
func (b *loopBuilder) optimiserInputs() []onnx.Value {
	perStep, rows, once := []string{gradScale, decayM, rate, eps}, []string(nil), []string{openV, closeV, closeM}
	if b.fused {
		perStep, rows, once = []string{gradScale}, []string{fusedStep}, nil
	}
	if b.opt.WeightDecay != 0 {
		perStep = append(perStep, scaleP)
		if b.fused {
			rows = append(rows, fusedStepP)
		} else {
			perStep, once = append(perStep, rateP), append(once, closeP)
		}
	}
	var in []onnx.Value
	for _, name := range perStep {
		in = append(in, onnx.Value{Name: name, Type: onnx.Float, Shape: []int64{-1}})
	}
	for _, name := range rows {
		in = append(in, onnx.Value{Name: name, Type: onnx.Float, Shape: []int64{-1, ort.AdamWScalars}})
	}
	for _, name := range once {
		in = append(in, onnx.Value{Name: name, Type: onnx.Float})
	}
	return in
}

// stateBlock is one block of a parameter: where it is kept, and its gradient.
type stateBlock struct {
	param *Param
	old   triple
	shape []int64
	grad  string
}

// inputPrefix returns the prefix of the model's inputs that hold the state.
func (b *loopBuilder) inputPrefix() string {
	if b.fused {
		return ""
	}
	return carriedIn
}

// writeBody writes one step.
func (b *loopBuilder) writeBody() {
	e := b.body
	e.graph.Inputs = []onnx.Value{{Name: iterName, Type: onnx.Int64}, {Name: condName, Type: onnx.Bool}}
	e.write(append([]*Node{b.loss}, b.grads...)...)
	loss := e.add("Identity", nil, e.value(b.loss))
	if b.fused {
		// The gradients of all blocks come before the updates in the file: ONNX
		// Runtime then takes a block's gradient and update one after the other.
		var blocks []stateBlock
		b.eachBlock(func(block stateBlock) { blocks = append(blocks, block) })
		b.output(b.updateInPlace(blocks), onnx.Bool, nil)
		b.output(loss, onnx.Float, nil)
		return
	}
	b.output(e.add("Identity", nil, condName), onnx.Bool, nil)
	b.eachBlock(func(block stateBlock) {
		old := block.old
		next := b.opt.update(e, block.param, old, block.grad, b.step)
		for _, pair := range [][2]string{{old.p, next.p}, {old.m, next.m}, {old.v, next.v}} {
			e.graph.Inputs = append(e.graph.Inputs, onnx.Value{Name: pair[0], Type: onnx.Float, Shape: block.shape})
			b.output(pair[1], onnx.Float, block.shape)
		}
	})
	b.output(loss, onnx.Float, nil)
}

// eachBlock writes the gradient of every block of every parameter and calls f.
func (b *loopBuilder) eachBlock(f func(stateBlock)) {
	for i, p := range b.params {
		heights := blockHeights(p.Shape)
		for k := range heights {
			f(stateBlock{
				param: p,
				old:   triple{blockName("", "p", p, k), blockName("", "m", p, k), blockName("", "v", p, k)},
				shape: blockShape(p.Shape, heights, k),
				grad:  b.body.block(b.grads[i], heights, k),
			})
		}
	}
}

func (b *loopBuilder) output(name string, dtype onnx.ElemType, shape []int64) {
	b.body.graph.Outputs = append(b.body.graph.Outputs, onnx.Value{Name: name, Type: dtype, Shape: shape})
}

// writeLoop writes the Loop with the scaling of the moments before and after.
func (b *loopBuilder) writeLoop() {
	e := b.outer
	goOn := e.constant(onnx.Tensor{Type: onnx.Bool, Data: []bool{true}})
	loop := onnx.Node{Op: "Loop", Inputs: []string{tripName, goOn}, Attrs: []onnx.Attr{{Name: "body", Value: &b.body.graph}}}
	for _, p := range b.params {
		heights := blockHeights(p.Shape)
		for k := range heights {
			for _, kind := range []string{"p", "m", "v"} {
				e.graph.Inputs = append(e.graph.Inputs, onnx.Value{Name: blockName(b.inputPrefix(), kind, p, k), Type: onnx.Float, Shape: blockShape(p.Shape, heights, k)})
			}
		}
	}
	e.graph.Outputs = []onnx.Value{{Name: lossName, Type: onnx.Float, Shape: []int64{-1}}}
	if b.fused {
		loop.Outputs = []string{lossName}
		e.graph.Nodes = append(e.graph.Nodes, loop)
		return
	}
	var after []onnx.Node
	for _, p := range b.params {
		for k := range blockHeights(p.Shape) {
			for _, kind := range []string{"p", "m", "v"} {
				in, out, scaling := b.carry(kind, p, k)
				loop.Inputs, loop.Outputs = append(loop.Inputs, in), append(loop.Outputs, out)
				after = append(after, scaling...)
			}
		}
	}
	loop.Outputs = append(loop.Outputs, lossName)
	e.graph.Nodes = append(append(e.graph.Nodes, loop), after...)
}

// carry declares the output of an array of the state and returns the names with which
// it enters and leaves the loop, and what scales it after the loop.
func (b *loopBuilder) carry(kind string, p *Param, k int) (in, out string, after []onnx.Node) {
	e := b.outer
	in, out = blockName(carriedIn, kind, p, k), blockName(carriedOut, kind, p, k)
	e.graph.Outputs = append(e.graph.Outputs, onnx.Value{Name: out, Type: onnx.Float, Shape: blockShape(p.Shape, blockHeights(p.Shape), k)})
	if kind == "v" {
		in = e.add("Mul", nil, in, openV)
	}
	scale := map[string]string{"m": closeM, "v": closeV}[kind]
	if kind == "p" && b.opt.decays(p) {
		scale = closeP
	}
	if scale != "" {
		scaled := e.fresh()
		after = []onnx.Node{{Op: "Mul", Inputs: []string{scaled, scale}, Outputs: []string{out}}}
		out = scaled
	}
	return in, out, after
}

// scaleLeaf returns the per-step scale of the loss's gradient (see AdamW). Each
// loop gets a leaf of its own; all are fed the same input.
func (g *Graph) scaleLeaf() *Node {
	n := g.node(onnx.Float, nil)
	n.op.leaf = leaf{kind: leafStep, name: gradScale, dtype: onnx.Float}
	n.op.emit = func(e *emitter) []string { return []string{e.leaf(n)} }
	return n
}
