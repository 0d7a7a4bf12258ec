// Package gradtest computes nodes of package grad in tests.
package gradtest

import (
	"maps"
	"slices"
	"testing"

	"engram/embed/grad"
	"engram/embed/ort"
)

// Function computes nodes from the values of their leaves.
type Function struct{ session *ort.Session }

// New compiles outputs, by name, into a model whose inputs are the parameters,
// Data and Step leaves that they depend on, each under its own name. It lives as
// long as the test.
func New(t testing.TB, rt *ort.Runtime, outputs map[string]*grad.Node) Function {
	t.Helper()
	content, err := grad.Export(outputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := rt.OpenBytes("function", content, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return Function{session}
}

// Call computes the named outputs, which are float32, and returns them flat and
// row-major.
func (f Function) Call(t testing.TB, feed ort.Tensors, names ...string) map[string][]float32 {
	t.Helper()
	fetch := ort.Tensors{}
	for _, name := range names {
		fetch[name] = nil
	}
	if err := f.session.Run(t.Context(), feed, fetch); err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for name, tensor := range fetch {
		values[name] = tensor.Data.([]float32)
	}
	return values
}

// Call computes outputs once.
func Call(t testing.TB, rt *ort.Runtime, outputs map[string]*grad.Node, feed ort.Tensors) map[string][]float32 {
	t.Helper()
	return New(t, rt, outputs).Call(t, feed, slices.Collect(maps.Keys(outputs))...)
}
