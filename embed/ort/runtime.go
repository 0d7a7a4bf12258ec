package ort

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	binding "github.com/yalue/onnxruntime_go"
)

// process is what this process has loaded. The C library holds one environment
// per process, and the binding holds its handle in package variables; this
// record makes that safe to share.
var process struct {
	sync.Mutex
	path    string
	version string
	refs    int // open Runtimes and Sessions
}

// Runtime is a hold on the loaded library. It is safe for concurrent use.
type Runtime struct {
	path, version string
	mu            sync.Mutex
	closed        bool
}

// Load finds or fetches libonnxruntime (see LibraryOptions) and loads it. Each
// Runtime that Load returns holds the one library of the process, which is let
// go when all of them and all their sessions are closed; until then Load
// refuses a library from another path. The error wraps ErrLibrary, or ctx.Err()
// where ctx ended a fetch.
func Load(ctx context.Context, opts LibraryOptions) (*Runtime, error) {
	path, err := opts.locate(ctx)
	if err != nil {
		return nil, fmt.Errorf("ort: %w", err)
	}
	process.Lock()
	defer process.Unlock()
	if process.refs > 0 && process.path != path {
		return nil, fmt.Errorf("ort: %s is wanted, but this process runs %s: %w", path, process.path, ErrLibrary)
	}
	if process.refs == 0 {
		version, err := probe(path)
		if err != nil {
			return nil, fmt.Errorf("ort: %w: %w", err, ErrLibrary)
		}
		binding.SetSharedLibraryPath(path)
		if err := binding.InitializeEnvironment(binding.WithLogLevelFatal()); err != nil {
			return nil, fmt.Errorf("ort: %s: %w: %w", path, cause(err), ErrLibrary)
		}
		process.path, process.version = path, version
	}
	process.refs++
	return &Runtime{path: path, version: process.version}, nil
}

// Version returns the version that the loaded library gives, such as "1.27.0".
func (r *Runtime) Version() string { return r.version }

// Path returns the file of the loaded library.
func (r *Runtime) Path() string { return r.path }

// Close lets go of the library. It is idempotent; open sessions stay usable.
func (r *Runtime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return releaseProcess()
}

// hold takes a reference for a session of r.
func (r *Runtime) hold() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	process.Lock()
	defer process.Unlock()
	process.refs++
	return nil
}

// releaseProcess drops one reference and unloads the library with the last.
func releaseProcess() error {
	process.Lock()
	defer process.Unlock()
	process.refs--
	if process.refs > 0 {
		return nil
	}
	if err := binding.DestroyEnvironment(); err != nil {
		return fmt.Errorf("ort: close %s: %w", process.path, err)
	}
	return nil
}

// OpenFile opens the ONNX file at path; weights in files beside it (external
// data) are found.
func (r *Runtime) OpenFile(path string, opts SessionOptions) (*Session, error) {
	m, err := fileModel(path)
	if err != nil {
		return nil, err
	}
	defer m.file.Close()
	return r.open(m, opts)
}

// CheckFile reports what OpenFile would refuse without reading the weights: a file that is no
// model, inputs and outputs that differ from what the options expect (ErrMismatch), and weights
// that are larger than the memory that is free.
func CheckFile(path string, opts SessionOptions) error {
	m, err := fileModel(path)
	if err != nil {
		return err
	}
	defer m.file.Close()
	s, err := newSession(m, opts)
	if err == nil {
		err = s.fits(m)
	}
	if err != nil {
		return fmt.Errorf("ort: %s: %w", path, err)
	}
	return nil
}

// fileModel returns the model in a file, which the caller closes.
func fileModel(path string) (model, error) {
	f, err := os.Open(path)
	if err != nil {
		return model{}, fmt.Errorf("ort: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: wanted an ONNX file, it is no regular file", path)
	}
	if err != nil {
		return model{}, errors.Join(fmt.Errorf("ort: %w", err), f.Close())
	}
	return model{name: path, path: path, content: f, size: info.Size(), file: f}, nil
}

// cause returns the innermost error, whose text is ONNX Runtime's own, on one
// line.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return errors.New(strings.Join(strings.Fields(err.Error()), " "))
		}
		err = inner
	}
}
