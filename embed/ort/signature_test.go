package ort

import (
	"bytes"
	"testing"

	"engram/embed/onnx"

	"github.com/google/go-cmp/cmp"
)

// signatureModel has a symbolic dimension, a scalar, and, as old files do, a
// constant among the inputs.
func signatureModel(t testing.TB) []byte {
	t.Helper()
	b, err := onnx.Marshal(&onnx.Graph{
		Name:  "signature",
		Nodes: []onnx.Node{{Op: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
		Inputs: []onnx.Value{
			{Name: "x", Type: onnx.Float, Shape: []int64{-1, 2}},
			{Name: "w", Type: onnx.Float, Shape: []int64{2, 300}},
			{Name: "step", Type: onnx.Int64, Shape: []int64{}},
		},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float16, Shape: []int64{-1, 300}}},
		Consts:  []onnx.Tensor{{Name: "w", Type: onnx.Float, Shape: []int64{2, 300}, Data: make([]float32, 600)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadSignature(t *testing.T) {
	b := signatureModel(t)
	inputs, outputs, err := readSignature(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	wantInputs := []Spec{{"x", onnx.Float, []int64{-1, 2}}, {"step", onnx.Int64, []int64{}}}
	wantOutputs := []Spec{{"y", onnx.Float16, []int64{-1, 300}}}
	if diff := cmp.Diff(wantInputs, inputs); diff != "" {
		t.Errorf("inputs differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantOutputs, outputs); diff != "" {
		t.Errorf("outputs differ (-want +got):\n%s", diff)
	}
}

func FuzzReadSignature(f *testing.F) {
	f.Add(signatureModel(f))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		inputs, outputs, err := readSignature(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, s := range append(inputs, outputs...) {
			for _, n := range s.Shape {
				if n < -1 {
					t.Errorf("%s has a dimension %d", s.Name, n)
				}
			}
		}
	})
}
