// Package gradtest computes nodes of package grad in tests.
package gradtest

import (
	"testing"

	"engram/embed/grad"
	"engram/embed/ort"
)

// Call computes outputs, which are float32, once and returns them flat and
// row-major by name. feed holds the leaves that they depend on.
func Call(t testing.TB, rt *ort.Runtime, outputs map[string]*grad.Node, feed ort.Tensors) map[string][]float32 {
	t.Helper()
	f, err := grad.NewFunction(rt, outputs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fetch := ort.Tensors{}
	for name := range outputs {
		fetch[name] = nil
	}
	if err := f.Call(t.Context(), feed, fetch); err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for name, tensor := range fetch {
		values[name] = tensor.Data.([]float32)
	}
	return values
}
