package ort_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// TestAGraphOfHalfPrecisionRuns opens a graph on which ONNX Runtime ends the process
// where all its optimisers look at it. The golden is of scripts/golden_half.py.
func TestAGraphOfHalfPrecisionRuns(t *testing.T) {
	s, err := orttest.Runtime(t).OpenFile("testdata/half.onnx", ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pixels := make([]float32, 2*3*32*32)
	for i := range pixels {
		pixels[i] = float32(i)/4096 - .75
	}
	out := ort.Tensors{"embedding": nil}
	in := ort.Tensors{"pixel_values": {Shape: []int64{2, 3, 32, 32}, Data: pixels}}
	if err := s.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/half.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Embedding []float32 }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	got := out["embedding"].Data.([]float32)
	if len(got) != len(want.Embedding) {
		t.Fatalf("%d values, want %d", len(got), len(want.Embedding))
	}
	const tolerance = 1e-2 // some steps of float16 at these values, which are below 3
	for i, v := range want.Embedding {
		if off := math.Abs(float64(got[i] - v)); !(off <= tolerance) {
			t.Errorf("value %d is %v, want %v", i, got[i], v)
		}
	}
}
