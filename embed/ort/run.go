package ort

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"

	binding "github.com/yalue/onnxruntime_go"
)

// Run computes the outputs named in out from the inputs in, which must name all
// of the session's inputs. An entry of out whose Data is set is written in
// place, without a copy: its shape must be the output's, and its memory no
// other tensor's of the call, unless the model has read that one before it writes
// this. A nil entry, or one whose Data is nil, is
// allocated and gets its Shape. Tensors may be empty (a dimension of 0).
//
// Names, types and shapes are checked before anything runs; such an error wraps
// ErrMismatch. When ctx ends, Run stops the computation after the operator
// under way, waits until it has stopped, and returns ctx.Err() wrapped; what an
// output in place then holds is undefined. At most the session's Concurrency
// runs go on at once, others wait.
func (s *Session) Run(ctx context.Context, in, out Tensors) error {
	if err := s.run(ctx, in, out); err != nil {
		return fmt.Errorf("ort: run %s: %w", s.name, err)
	}
	return nil
}

func (s *Session) run(ctx context.Context, in, out Tensors) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{session: s}
	defer c.free()
	if err := c.checkInputs(in); err != nil {
		return err
	}
	if err := c.checkOutputs(out); err != nil {
		return err
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.slots }()
	if err := c.bind(); err != nil {
		return cause(err)
	}
	if err := c.compute(ctx); err != nil {
		return err
	}
	return c.store(out)
}

// acquire waits for a slot, until ctx ends or the session is closed.
func (s *Session) acquire(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
	select {
	case <-s.closed:
		<-s.slots
		return ErrClosed
	default:
		return nil
	}
}

// call is one run: the buffers in the session's order of inputs and outputs,
// and the values through which C sees them.
type call struct {
	session   *Session
	pin       runtime.Pinner
	in, out   []operand
	inValues  []binding.Value
	outValues []binding.Value // nil where the shape is known only after the run
}

// operand is one input or output of a call.
type operand struct {
	shape  []int64
	buffer buffer // nil where C allocates
}

func (c *call) checkInputs(in Tensors) error {
	specs := c.session.inputs
	if err := checkNames("input", in, specs); err != nil {
		return err
	}
	c.in = make([]operand, len(specs))
	for i, spec := range specs {
		t, ok := in[spec.Name]
		if !ok {
			return fmt.Errorf("input %s is missing, wanted %s: %w", spec.Name, spec.describe(), ErrMismatch)
		}
		b, err := spec.check(t)
		if err != nil {
			return fmt.Errorf("input %w", err)
		}
		c.in[i] = operand{t.Shape, b}
	}
	return nil
}

func (c *call) checkOutputs(out Tensors) error {
	specs := c.session.outputs
	if err := checkNames("output", out, specs); err != nil {
		return err
	}
	if len(out) == 0 {
		return fmt.Errorf("no output is asked for, the model's are %s: %w", list(specs), ErrMismatch)
	}
	c.out = make([]operand, len(specs))
	for i, spec := range specs {
		if t := out[spec.Name]; t != nil && t.Data != nil {
			b, err := spec.check(t)
			if err != nil {
				return fmt.Errorf("output %w", err)
			}
			c.out[i] = operand{t.Shape, b}
			continue
		}
		n, fixed := spec.fixed()
		if !fixed || n > maxPrealloc {
			n = 0 // ONNX Runtime allocates
		}
		b, ok := newBuffer(spec.Type, n)
		if _, wanted := out[spec.Name]; wanted && !ok {
			return fmt.Errorf("output %s is %s, which has no Go type here: %w", spec.Name, spec.describe(), ErrMismatch)
		}
		if ok && n > 0 {
			c.out[i] = operand{spec.Shape, b}
		}
	}
	return nil
}

// checkNames finds names in tensors that the model does not have.
func checkNames(what string, tensors Tensors, specs []Spec) error {
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		if !slices.ContainsFunc(specs, func(s Spec) bool { return s.Name == name }) {
			return fmt.Errorf("there is no %s %s, the model's %ss are %s: %w", what, name, what, list(specs), ErrMismatch)
		}
	}
	return nil
}

// bind makes the values of all operands that have a buffer.
func (c *call) bind() (err error) {
	c.inValues, err = c.values(c.in)
	if err == nil {
		c.outValues, err = c.values(c.out)
	}
	return err
}

func (c *call) values(operands []operand) ([]binding.Value, error) {
	values := make([]binding.Value, len(operands))
	for i, o := range operands {
		if o.buffer == nil {
			continue
		}
		v, err := o.buffer.bind(o.shape, &c.pin)
		if err != nil {
			return values, err
		}
		values[i] = v
	}
	return values, nil
}

// free destroys the values and lets go of the Go memory behind them.
func (c *call) free() {
	for _, v := range slices.Concat(c.inValues, c.outValues) {
		if v != nil {
			v.Destroy()
		}
	}
	c.pin.Unpin()
}

// compute runs the model. The run options, whose flag stops the run, belong to
// this call alone and are freed when neither the run nor the watcher of ctx can
// touch them any more.
func (c *call) compute(ctx context.Context) error {
	options, err := binding.NewRunOptions()
	if err != nil {
		return cause(err)
	}
	defer options.Destroy()
	terminated := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(terminated)
		options.Terminate()
	})
	s := c.session
	run := func() error { return s.c.RunWithOptions(c.inValues, c.outValues, options) }
	if s.device.cuda && !s.warm.Load() {
		err = keepSignals(run)
		s.warm.Store(true)
	} else {
		err = run()
	}
	if !stop() {
		<-terminated
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return s.device.explain(cause(err))
}

// store puts the results that were asked for into out.
func (c *call) store(out Tensors) error {
	for i, spec := range c.session.outputs {
		t, wanted := out[spec.Name]
		if !wanted {
			continue
		}
		value := c.outValues[i]
		o := c.out[i]
		if o.buffer == nil {
			b, _ := newBuffer(spec.Type, 0)
			o = operand{value.GetShape(), b}
		}
		data := o.buffer.take(value)
		if data == nil {
			return fmt.Errorf("output %s came as a %T, wanted %s: %w", spec.Name, value, spec.describe(), ErrMismatch)
		}
		if t == nil {
			t = &Tensor{}
			out[spec.Name] = t
		}
		t.Shape, t.Data = slices.Clone(o.shape), data
	}
	return nil
}
