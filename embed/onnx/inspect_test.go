package onnx_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"engram/embed/onnx"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// signatureModel has a symbolic dimension, a scalar, a nested graph and, as old files
// do, a constant among the inputs.
func signatureModel(t testing.TB) []byte {
	t.Helper()
	body := &onnx.Graph{Name: "then", Nodes: []onnx.Node{{Op: "Whirl", Domain: "com.example", Inputs: []string{"y"}, Outputs: []string{"z"}}}}
	b, err := onnx.Marshal(&onnx.Graph{
		Name: "signature",
		Nodes: []onnx.Node{
			{Op: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}},
			{Op: "If", Inputs: []string{"c"}, Outputs: []string{"z"}, Attrs: []onnx.Attr{{Name: "then_branch", Value: body}}},
		},
		Inputs: []onnx.Value{
			{Name: "x", Type: onnx.Float, Shape: []int64{-1, 2}, Dims: []string{"batch", ""}},
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

func TestInspectReadsWhatAGraphSaysOfItself(t *testing.T) {
	b := signatureModel(t)
	// A function com.example.Twice that the file defines: name, node, domain.
	b = append(b, field(25, field(1, []byte("Twice")), field(7, field(4, []byte("Add"))), field(10, []byte("com.example")))...)
	got, err := onnx.Inspect(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := onnx.Signature{
		IR: onnx.IRVersion, Producer: "engram", Opsets: map[string]int64{"": onnx.Opset, "com.example": 1},
		Inputs: []onnx.Value{
			{Name: "x", Type: onnx.Float, Shape: []int64{-1, 2}, Dims: []string{"batch", ""}},
			{Name: "step", Type: onnx.Int64, Shape: []int64{}, Dims: []string{}},
		},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float16, Shape: []int64{-1, 300}, Dims: []string{"y_dim0", ""}}},
		Operators: []onnx.Operator{
			{Type: "Add"}, {Type: "If"}, {Type: "MatMul"}, {Domain: "com.example", Type: "Whirl"},
		},
		Functions: []onnx.Operator{{Domain: "com.example", Type: "Twice"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signature (-want +got):\n%s", diff)
	}
}

func TestInspectRefusesWhatIsNoModel(t *testing.T) {
	deep := field(1, field(4, []byte("If")))
	for range 200 {
		deep = field(1, field(5, field(6, deep)))
	}
	dims := bytes.Repeat(field(1), 1<<11)
	wide := field(7, field(11, field(1, []byte("x")), field(2, field(1, field(2, dims)))))
	for name, b := range map[string][]byte{
		"nothing": {}, "noise": []byte("\xffnoise"), "a page": []byte("<html>"), "graphs without end": field(7, deep), "a shape without end": wide,
		"no graph": protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 8),
	} {
		if _, err := onnx.Inspect(bytes.NewReader(b), int64(len(b))); !errors.Is(err, onnx.ErrNoModel) {
			t.Errorf("%s: %v, wanted %v", name, err, onnx.ErrNoModel)
		}
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(signatureModel(f))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := onnx.Inspect(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, v := range slices.Concat(s.Inputs, s.Outputs) {
			if len(v.Dims) != len(v.Shape) {
				t.Errorf("%s has %d dimensions and %d names", v.Name, len(v.Shape), len(v.Dims))
			}
			for _, n := range v.Shape {
				if n < -1 {
					t.Errorf("%s has a dimension %d", v.Name, n)
				}
			}
		}
	})
}
