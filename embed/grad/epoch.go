package grad

import (
	"context"
	"fmt"
	"maps"

	"engram/embed/onnx"
	"engram/embed/ort"
)

// Epoch is a compiled training loop: one call runs any number of optimiser
// steps. It is safe for concurrent use with different states.
type Epoch struct {
	session *ort.Session
	params  []*Param
	opt     AdamW
}

// EpochOptions say how a loop is compiled.
type EpochOptions struct {
	Optimizer AdamW
	Session   ort.SessionOptions // device and threads
}

// Inputs are what one epoch is fed.
type Inputs struct {
	Data  ort.Tensors // the Data leaves
	Steps ort.Tensors // the Step leaves, each with a leading axis of one slice per step
	LR    []float64   // learning rate of each step; its length is the number of steps
	Beta1 []float64   // AdamW's β1 of each step
}

// lossName is the output that holds the loss of every step.
const lossName = "loss"

// NewEpoch differentiates loss, a scalar, with respect to every parameter that
// it depends on and compiles the loop. Parameters that it does not depend on
// stay as they are.
func NewEpoch(rt *ort.Runtime, loss *Node, opts EpochOptions) (*Epoch, error) {
	b := &loopBuilder{opt: opts.Optimizer.withDefaults(), loss: loss}
	content, err := onnx.Marshal(b.build())
	if err != nil {
		return nil, err
	}
	session, err := rt.OpenBytes("training loop", content, opts.Session)
	if err != nil {
		return nil, err
	}
	return &Epoch{session: session, params: b.params, opt: b.opt}, nil
}

// Close frees the model.
func (ep *Epoch) Close() error { return ep.session.Close() }

// Run trains for len(in.LR) steps and returns the loss of each. state is changed
// only when all steps have been done: a cancelled or failed epoch leaves it as it
// was.
func (ep *Epoch) Run(ctx context.Context, state *State, in Inputs) (losses []float32, err error) {
	if err := state.check(ep.params); err != nil {
		return nil, err
	}
	scalars, err := ep.opt.scalars(in.LR, in.Beta1, state.steps)
	if err != nil {
		return nil, err
	}
	steps := len(in.LR)
	feed := scalars.tensors()
	if ep.opt.WeightDecay == 0 {
		for _, name := range []string{rateP, scaleP, closeP} {
			delete(feed, name)
		}
	}
	feed[tripName] = &ort.Tensor{Shape: []int64{}, Data: []int64{int64(steps)}}
	for name, t := range in.Steps {
		if t == nil {
			return nil, fmt.Errorf("grad: input %s is nil", name)
		}
		if len(t.Shape) == 0 || t.Shape[0] != int64(steps) {
			return nil, fmt.Errorf("grad: input %s has shape %v, want %d slices, one per step", name, t.Shape, steps)
		}
		feed[name] = t
	}
	maps.Copy(feed, in.Data)
	fetch := ort.Tensors{lossName: nil}
	for _, p := range ep.params {
		addBlocks(feed, "in.", p, state.now)
		addBlocks(fetch, "out.", p, state.spare)
	}
	if err := ep.session.Run(ctx, feed, fetch); err != nil {
		return nil, err
	}
	ep.commit(state, steps)
	return fetch[lossName].Data.([]float32), nil
}

// commit makes what the run has written the state of its parameters.
func (ep *Epoch) commit(state *State, steps int) {
	for _, p := range ep.params {
		for _, pair := range [][2]map[string][]float32{
			{state.now.values, state.spare.values}, {state.now.m, state.spare.m}, {state.now.v, state.spare.v},
		} {
			pair[0][p.Name], pair[1][p.Name] = pair[1][p.Name], pair[0][p.Name]
		}
	}
	state.steps += steps
}

// addBlocks adds a parameter's arrays, block by block, to the tensors of a run.
func addBlocks(tensors ort.Tensors, prefix string, p *Param, from arrays) {
	heights := blockHeights(p.Shape)
	for kind, data := range map[string][]float32{"p": from.values[p.Name], "m": from.m[p.Name], "v": from.v[p.Name]} {
		for i, part := range cut(data, heights) {
			tensors[blockName(prefix, kind, p, i)] = &ort.Tensor{Shape: blockShape(p.Shape, heights, i), Data: part}
		}
	}
}

func blockName(prefix, kind string, p *Param, i int) string {
	return fmt.Sprintf("%s%s.%s%s%d", prefix, kind, p.Name, generated, i)
}
