package ort

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"engram/embed/onnx"

	binding "github.com/yalue/onnxruntime_go"
)

// cpuConcurrency is how many runs of one CPU session go on at once where the
// caller does not say: enough that one run's serial parts overlap another's
// parallel ones. All runs of a session share its threads.
const cpuConcurrency = 2

// maxPrealloc bounds, in elements, the outputs that Run allocates from the
// shape in the model file alone, before ONNX Runtime has confirmed it.
const maxPrealloc = 1 << 26

// SessionOptions say how a model is opened. The zero value runs on the CPU with
// all threads and accepts any model.
type SessionOptions struct {
	Device      string // "cpu" (the default) or "cuda:N"
	Threads     int    // threads inside one operator; 0 = GOMAXPROCS
	Concurrency int    // runs at once; 0 = 1 on CUDA, 2 on the CPU
	AdamW       bool   // the model has the operator AdamW, which is for the CPU alone

	// Inputs and Outputs are what the caller expects of the model; a value that
	// is missing or has another type or shape fails the open. Inputs that are
	// not named may have any form. Where Outputs are named they are all that the
	// session returns; else it returns all of the model's.
	Inputs, Outputs []Spec
}

// Session is an open model. It is safe for concurrent use.
type Session struct {
	name    string
	device  device
	half    bool // some constants are float16
	inputs  []Spec
	outputs []Spec
	c       *binding.DynamicAdvancedSession
	adamW   adamWDomain
	warm    atomic.Bool // a run on CUDA has ended, see keepSignals

	slots  chan struct{} // one token per run at a time
	closed chan struct{}
	once   sync.Once
	err    error // of Close
}

// model is the source of a session: a file, or bytes where path is "".
type model struct {
	name    string
	path    string
	bytes   []byte
	content io.ReaderAt
	size    int64
	file    *os.File // nil for bytes
}

// OpenBytes opens a model in memory; name stands for it in error messages. The
// bytes are free to change once OpenBytes has returned.
func (r *Runtime) OpenBytes(name string, content []byte, opts SessionOptions) (*Session, error) {
	return r.open(model{name: name, bytes: content, content: bytes.NewReader(content), size: int64(len(content))}, opts)
}

// open checks the model's signature and makes the session.
func (r *Runtime) open(m model, opts SessionOptions) (*Session, error) {
	s, err := newSession(m, opts)
	if err != nil {
		return nil, fmt.Errorf("ort: %s: %w", m.name, err)
	}
	if err := s.fits(m); err != nil {
		return nil, fmt.Errorf("ort: %s: %w", m.name, err)
	}
	if err := r.hold(); err != nil {
		return nil, fmt.Errorf("ort: open %s: %w", m.name, err)
	}
	if err := s.create(r.path, m, opts); err != nil {
		s.adamW.free()
		return nil, errors.Join(fmt.Errorf("ort: %s: %w", m.name, err), releaseProcess())
	}
	return s, nil
}

// specs returns what a model declares as this package writes it.
func specs(values []onnx.Value) []Spec {
	var out []Spec
	for _, v := range values {
		out = append(out, Spec{Name: v.Name, Type: v.Type, Shape: v.Shape})
	}
	return out
}

// newSession does all of open that needs no C.
func newSession(m model, opts SessionOptions) (*Session, error) {
	dev, err := parseDevice(opts.Device)
	if err != nil {
		return nil, err
	}
	if opts.AdamW && dev.cuda {
		return nil, fmt.Errorf("device %s, wanted cpu for a model with the operator %s", dev, AdamWOp)
	}
	if opts.Threads < 0 || opts.Concurrency < 0 {
		return nil, fmt.Errorf("threads %d and concurrency %d, wanted 0 or more", opts.Threads, opts.Concurrency)
	}
	signature, err := onnx.Inspect(m.content, m.size) // names are needed before a session is made
	if err != nil {
		return nil, err
	}
	inputs, outputs := specs(signature.Inputs), specs(signature.Outputs)
	if len(inputs) == 0 || len(outputs) == 0 {
		return nil, fmt.Errorf("wanted a model with inputs and outputs, it has %d and %d: %w", len(inputs), len(outputs), ErrMismatch)
	}
	if _, err := match("input", opts.Inputs, inputs); err != nil {
		return nil, err
	}
	if len(opts.Outputs) > 0 {
		if outputs, err = match("output", opts.Outputs, outputs); err != nil {
			return nil, err
		}
	}
	concurrency := opts.Concurrency
	switch {
	case concurrency == 0 && dev.cuda:
		concurrency = 1
	case concurrency == 0:
		concurrency = cpuConcurrency
	}
	return &Session{
		name:    m.name,
		device:  dev,
		half:    signature.Half,
		inputs:  inputs,
		outputs: outputs,
		slots:   make(chan struct{}, concurrency),
		closed:  make(chan struct{}),
	}, nil
}

// match finds each wanted value among the model's and returns these.
func match(what string, wanted, found []Spec) ([]Spec, error) {
	matched := make([]Spec, len(wanted))
	for i, w := range wanted {
		j := slices.IndexFunc(found, func(f Spec) bool { return f.Name == w.Name })
		if j < 0 {
			return nil, fmt.Errorf("wanted %s %s %s, the model's %ss are %s: %w", what, w.Name, w.describe(), what, list(found), ErrMismatch)
		}
		if !w.accepts(found[j]) {
			return nil, fmt.Errorf("wanted %s %s %s, found %s: %w", what, w.Name, w.describe(), found[j].describe(), ErrMismatch)
		}
		matched[i] = found[j]
	}
	return matched, nil
}

// names returns the names of specs.
func names(specs []Spec) []string {
	s := make([]string, len(specs))
	for i, spec := range specs {
		s[i] = spec.Name
	}
	return s
}

// list writes the names of specs for a message.
func list(specs []Spec) string { return strings.Join(names(specs), ", ") }

// brokenFusions are optimisers of ONNX Runtime that cannot take some graphs of half
// precision on the CPU, seen in 1.27 and 1.32. The first looks for a constant that
// another optimiser has put behind a cast ("InsertedPrecisionFreeCast_…") and fails;
// the second ends the process with a segmentation fault on towers of open_clip.
const brokenFusions = "SimplifiedLayerNormFusion;MatmulTransposeFusion"

// create makes the C session.
func (s *Session) create(library string, m model, opts SessionOptions) error {
	options, err := s.device.newOptions(opts.Threads)
	if err != nil {
		return err
	}
	defer options.Destroy()
	if s.half && !s.device.cuda {
		if err := options.AddSessionConfigEntry("optimization.disable_specified_optimizers", brokenFusions); err != nil {
			return cause(err)
		}
	}
	if opts.AdamW {
		if s.adamW, err = registerAdamW(library, options); err != nil {
			return err
		}
	}
	inputs, outputs := names(s.inputs), names(s.outputs)
	return s.device.guard(func() (err error) {
		if m.path != "" {
			s.c, err = binding.NewDynamicAdvancedSession(m.path, inputs, outputs, options)
		} else {
			s.c, err = binding.NewDynamicAdvancedSessionWithONNXData(m.bytes, inputs, outputs, options)
		}
		if err != nil {
			return s.device.explain(explainOperator(cause(err)))
		}
		return nil
	})
}

// explainOperator says of an error about an operator what can be done. The texts are
// ONNX Runtime's (core/graph/graph.cc, core/framework/session_state_utils.cc).
func explainOperator(err error) error {
	text := err.Error()
	if !strings.Contains(text, "is not a registered function/op") && !strings.Contains(text, "Could not find an implementation for") {
		return err
	}
	return fmt.Errorf("this version of ONNX Runtime cannot run the graph, take it in another precision or from another publisher: %w: %w", err, ErrOperator)
}

// Inputs returns the inputs that every Run needs.
func (s *Session) Inputs() []Spec { return slices.Clone(s.inputs) }

// Outputs returns the outputs that Run can be asked for.
func (s *Session) Outputs() []Spec { return slices.Clone(s.outputs) }

// Device returns where the session runs: "cpu" or "cuda:N". A device that
// cannot be had fails the open, so it is always the one that was asked for;
// on CUDA single operators without a kernel there still run on the CPU.
func (s *Session) Device() string { return s.device.String() }

// Close waits for the runs under way and frees the model. It is idempotent.
func (s *Session) Close() error {
	s.once.Do(func() {
		close(s.closed)
		for range cap(s.slots) {
			s.slots <- struct{}{}
		}
		err := s.c.Destroy()
		s.adamW.free()
		s.err = errors.Join(err, releaseProcess())
	})
	return s.err
}
