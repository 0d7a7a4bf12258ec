package grad

import (
	"context"
	"errors"
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
	fused   bool // see loopBuilder
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
//
// On the CPU the optimiser's step is one operator of this program that updates a
// state in place (see ort.AdamWOp); elsewhere it is made of the standard ones.
func NewEpoch(rt *ort.Runtime, loss *Node, opts EpochOptions) (*Epoch, error) {
	return newEpoch(rt, loss, opts, opts.Session.Device == "" || opts.Session.Device == "cpu")
}

func newEpoch(rt *ort.Runtime, loss *Node, opts EpochOptions, fused bool) (*Epoch, error) {
	b := &loopBuilder{opt: opts.Optimizer.withDefaults(), loss: loss, fused: fused}
	content, err := onnx.Marshal(b.build())
	if err != nil {
		return nil, err
	}
	opts.Session.AdamW = fused
	session, err := rt.OpenBytes("training loop", content, opts.Session)
	if err != nil {
		return nil, err
	}
	return &Epoch{session: session, params: b.params, opt: b.opt, fused: fused}, nil
}

// Close frees the model.
func (ep *Epoch) Close() error { return ep.session.Close() }

// Run trains for len(in.LR) steps and returns the loss of each. An error about the
// inputs leaves the state as it was. An epoch that is cancelled or fails leaves a
// state that can no longer be used: further runs of it return an error.
func (ep *Epoch) Run(ctx context.Context, state *State, in Inputs) (losses []float32, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.check(ep.params); err != nil {
		return nil, err
	}
	scalars, err := ep.opt.scalars(in.LR, in.Beta1, state.steps)
	if err != nil {
		return nil, err
	}
	feed, err := ep.feed(scalars, in)
	if err != nil {
		return nil, err
	}
	fetch := ort.Tensors{lossName: nil}
	for _, p := range ep.params {
		if ep.fused {
			addBlocks(feed, "", p, state.arrays)
			continue
		}
		// The loop reads its inputs before it writes its outputs, so that they can
		// share their memory.
		addBlocks(feed, carriedIn, p, state.arrays)
		addBlocks(fetch, carriedOut, p, state.arrays)
	}
	if err := ep.session.Run(ctx, feed, fetch); err != nil {
		state.broken = !errors.Is(err, ort.ErrMismatch) // which is found before anything runs
		return nil, err
	}
	state.steps += len(in.LR)
	return fetch[lossName].Data.([]float32), nil
}

// feed returns the inputs of a run but for the state.
func (ep *Epoch) feed(s scalars, in Inputs) (ort.Tensors, error) {
	feed := s.tensors()
	if ep.fused {
		feed = s.fused()
	}
	if ep.opt.WeightDecay == 0 {
		for _, name := range []string{rateP, scaleP, closeP, fusedStepP} {
			delete(feed, name)
		}
	}
	steps := len(in.LR)
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
	return feed, nil
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
