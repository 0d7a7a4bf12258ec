// Package orttest gives tests the ONNX Runtime library.
package orttest

import (
	"os"
	"testing"

	"engram/embed/ort"
)

// Runtime returns the loaded library and closes it when the test ends. It
// follows ENGRAM_ONNXRUNTIME and ENGRAM_CACHE and fetches the library into the
// cache where there is none; where that does not work the test fails.
func Runtime(t testing.TB) *ort.Runtime {
	t.Helper()
	r, err := ort.Load(t.Context(), ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
