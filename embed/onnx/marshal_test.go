package onnx_test

import (
	"strings"
	"testing"

	"engram/data/golden"
	"engram/embed/onnx"
)

// everything is a valid model with each element type, each attribute type, an
// operator of another domain, an optional input left out, symbolic and scalar
// shapes, and graphs nested in graphs.
func everything() *onnx.Graph {
	value := func(name string, t onnx.ElemType, shape ...int64) onnx.Value {
		return onnx.Value{Name: name, Type: t, Shape: shape}
	}
	step := &onnx.Graph{ // of the Loop: doubles its state, reports it, and reads a value from outside
		Name: "step",
		Nodes: []onnx.Node{
			{Op: "Identity", Inputs: []string{"go_on"}, Outputs: []string{"still"}},
			{Op: "Add", Inputs: []string{"state", "state"}, Outputs: []string{"doubled"}},
			{Op: "Add", Inputs: []string{"doubled", "weights"}, Outputs: []string{"report"}},
		},
		Inputs:  []onnx.Value{value("i", onnx.Int64), value("go_on", onnx.Bool), value("state", onnx.Float, 2)},
		Outputs: []onnx.Value{value("still", onnx.Bool), value("doubled", onnx.Float, 2), value("report", onnx.Float, 2)},
	}
	branch := func(name, output string) *onnx.Graph {
		return &onnx.Graph{
			Name: name,
			Nodes: []onnx.Node{{Op: "Constant", Outputs: []string{output}, Attrs: []onnx.Attr{
				{Name: "value", Value: onnx.Tensor{Name: "one", Type: onnx.Float, Shape: []int64{1}, Data: []float32{1}}},
			}}},
			Outputs: []onnx.Value{value(output, onnx.Float, 1)},
		}
	}
	return &onnx.Graph{
		Name: "everything",
		Consts: []onnx.Tensor{
			{Name: "weights", Type: onnx.Float, Shape: []int64{2}, Data: []float32{.5, -1.25}},
			{Name: "trip", Type: onnx.Int64, Data: []int64{3}},
			{Name: "yes", Type: onnx.Bool, Data: []bool{true}},
			{Name: "int32", Type: onnx.Int32, Shape: []int64{2, 1}, Data: []int32{-7, 7}},
			{Name: "flags", Type: onnx.Bool, Shape: []int64{2}, Data: []bool{true, false}},
			{Name: "uint8", Type: onnx.Uint8, Shape: []int64{3}, Data: []byte{0, 128, 255}},
			{Name: "half", Type: onnx.Float16, Shape: []int64{2}, Data: []byte{0x00, 0x3c, 0x00, 0xc0}}, // 1, -2
			{Name: "none", Type: onnx.Float, Shape: []int64{0}, Data: []float32{}},
			{Name: "upper", Type: onnx.Float, Data: []float32{6}},
		},
		Nodes: []onnx.Node{
			{Op: "Loop", Inputs: []string{"trip", "yes", "weights"}, Outputs: []string{"last", "reports"}, Attrs: []onnx.Attr{{Name: "body", Value: step}}},
			{Op: "If", Inputs: []string{"yes"}, Outputs: []string{"chosen"}, Attrs: []onnx.Attr{
				{Name: "then_branch", Value: branch("then", "a")}, {Name: "else_branch", Value: branch("else", "b")},
			}},
			{Op: "Clip", Inputs: []string{"x", "", "upper"}, Outputs: []string{"clipped"}},
			{Op: "LeakyRelu", Inputs: []string{"clipped"}, Outputs: []string{"leaky"}, Attrs: []onnx.Attr{{Name: "alpha", Value: float32(.25)}}},
			{Op: "Gelu", Inputs: []string{"leaky"}, Outputs: []string{"y"}, Attrs: []onnx.Attr{{Name: "approximate", Value: "none"}}},
			{Op: "QuickGelu", Domain: "com.microsoft", Inputs: []string{"y"}, Outputs: []string{"quick"}},
			{Op: "Constant", Outputs: []string{"floats"}, Attrs: []onnx.Attr{{Name: "value_floats", Value: []float32{1, 2.5}}}},
			{Op: "Transpose", Inputs: []string{"int32"}, Outputs: []string{"row"}, Attrs: []onnx.Attr{{Name: "perm", Value: []int64{1, 0}}}},
			{Op: "Cast", Inputs: []string{"half"}, Outputs: []string{"widened"}, Attrs: []onnx.Attr{{Name: "to", Value: int64(onnx.Float)}}},
		},
		Inputs: []onnx.Value{value("x", onnx.Float, -1, 3)},
		Outputs: []onnx.Value{
			value("last", onnx.Float, 2), value("reports", onnx.Float, 3, 2), value("chosen", onnx.Float, 1), value("y", onnx.Float, -1, 3),
			value("quick", onnx.Float, -1, 3), value("floats", onnx.Float, 2), value("row", onnx.Int32, 1, 2), value("widened", onnx.Float, 2),
		},
	}
}

// TestMarshalWritesTheAcceptedBytes compares with a file that the reference
// implementation accepted: scripts/check_onnx.py ran onnx.checker with full
// checks on it and read every field back. Run it again after -update.
func TestMarshalWritesTheAcceptedBytes(t *testing.T) {
	got, err := onnx.Marshal(everything())
	if err != nil {
		t.Fatal(err)
	}
	golden.Bytes(t, "everything.onnx", got)
}

// TestMarshalRefuses wants one sentence that names the place.
func TestMarshalRefuses(t *testing.T) {
	tensor := func(t onnx.Tensor) *onnx.Graph { t.Name = "w"; return &onnx.Graph{Name: "g", Consts: []onnx.Tensor{t}} }
	attr := func(v any) *onnx.Graph {
		return &onnx.Graph{Name: "g", Nodes: []onnx.Node{{Op: "Relu"}, {Op: "Loop", Attrs: []onnx.Attr{{Name: "body", Value: v}}}}}
	}
	half := make([]byte, 1<<29) // never touched, and so never in memory
	large := &onnx.Graph{Name: "g"}
	for range 4 {
		large.Consts = append(large.Consts, onnx.Tensor{Type: onnx.Uint8, Shape: []int64{1 << 29}, Data: half})
	}
	for _, c := range []struct {
		graph *onnx.Graph
		want  string
	}{
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{3}, Data: []float32{1, 2}}), `onnx: graph "g": constant "w": shape [3] takes 12 bytes, its data has 8`},
		{tensor(onnx.Tensor{Type: onnx.Float16, Shape: []int64{3}, Data: []byte{1, 2, 3}}), "shape [3] takes 6 bytes, its data has 3"},
		{tensor(onnx.Tensor{Type: onnx.Float, Data: []float32{}}), "shape [] takes 4 bytes, its data has 0"},
		{tensor(onnx.Tensor{Type: onnx.Int64, Shape: []int64{1}, Data: []float32{1}}), "has element type 7 and data of type []float32"},
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{1}, Data: []byte{1, 2, 3, 4}}), "has element type 1 and data of type []uint8"},
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{1}, Data: []float64{1}}), "has data of type []float64, which no element type has"},
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{1}}), "has data of type <nil>"},
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{-1}, Data: []float32{1}}), "shape [-1] does not fit a constant"},
		{tensor(onnx.Tensor{Type: onnx.Float, Shape: []int64{1 << 40, 1 << 40}, Data: []float32{1}}), "does not fit a constant of at most 2147483647 bytes"},
		{attr(7), `onnx: graph "g": node 1 (Loop): attribute "body": has a value of type int, which no attribute takes`},
		{attr(onnx.Tensor{Type: onnx.Bool}), `node 1 (Loop): attribute "body": has data of type <nil>`},
		{attr(tensor(onnx.Tensor{Type: onnx.Bool})), `attribute "body": constant "w": has data of type <nil>`},
		{large, `onnx: graph "g" takes 2147483648 bytes, a model file holds at most 2147483647`},
		{attr(large), "takes 2147483648 bytes"},
	} {
		if _, err := onnx.Marshal(c.graph); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
