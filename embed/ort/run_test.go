package ort_test

import (
	"fmt"
	"testing"

	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"

	"github.com/google/go-cmp/cmp"
)

// open opens a graph on the CPU with one thread.
func open(t testing.TB, g *onnx.Graph, opts ort.SessionOptions) *ort.Session {
	t.Helper()
	b, err := onnx.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	opts.Threads = 1
	s, err := orttest.Runtime(t).OpenBytes(g.Name, b, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// value declares a float32 input or output.
func value(name string, shape ...int64) onnx.Value {
	return onnx.Value{Name: name, Type: onnx.Float, Shape: shape}
}

// product is y = a·b for a [rows, inner] and b [inner, columns], with any
// number of rows where rows is -1.
func product(rows, inner, columns int64) *onnx.Graph {
	return &onnx.Graph{
		Name:    "product",
		Nodes:   []onnx.Node{{Op: "MatMul", Inputs: []string{"a", "b"}, Outputs: []string{"y"}}},
		Inputs:  []onnx.Value{value("a", rows, inner), value("b", inner, columns)},
		Outputs: []onnx.Value{value("y", rows, columns)},
	}
}

// matrices are inputs of product(-1 or 2, 3, 2).
func matrices() ort.Tensors {
	return ort.Tensors{
		"a": {Shape: []int64{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		"b": {Shape: []int64{3, 2}, Data: []float32{1, 0, 0, 1, 1, 1}},
	}
}

func TestRunGivesTheProduct(t *testing.T) {
	want := &ort.Tensor{Shape: []int64{2, 2}, Data: []float32{4, 5, 10, 11}}
	for _, rows := range []int64{2, -1} {
		s := open(t, product(rows, 3, 2), ort.SessionOptions{})
		place := make([]float32, 4)
		for name, out := range map[string]ort.Tensors{
			"nil entry": {"y": nil},
			"no data":   {"y": {}},
			"in place":  {"y": {Shape: []int64{2, 2}, Data: place}},
		} {
			t.Run(fmt.Sprintf("rows=%d/%s", rows, name), func(t *testing.T) {
				if err := s.Run(t.Context(), matrices(), out); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, out["y"]); diff != "" {
					t.Errorf("product differs (-want +got):\n%s", diff)
				}
			})
		}
		if diff := cmp.Diff(want.Data, any(place)); diff != "" {
			t.Errorf("the caller's slice differs (-want +got):\n%s", diff)
		}
	}
}

// TestRunTakesAllTypes sends each element type through Identity, as a tensor,
// a scalar and an empty tensor.
func TestRunTakesAllTypes(t *testing.T) {
	cases := []struct {
		elem                 onnx.ElemType
		tensor, scalar, none any
	}{
		{onnx.Float, []float32{1.5, -2}, []float32{7}, []float32{}},
		{onnx.Int64, []int64{1 << 40, -2}, []int64{7}, []int64{}},
		{onnx.Int32, []int32{1 << 30, -2}, []int32{7}, []int32{}},
		{onnx.Uint8, []uint8{255, 2}, []uint8{7}, []uint8{}},
		{onnx.Bool, []bool{true, false}, []bool{true}, []bool{}},
	}
	for _, c := range cases {
		for _, shape := range [][]int64{{-1}, {}, {2}} {
			g := &onnx.Graph{
				Name:    "identity",
				Nodes:   []onnx.Node{{Op: "Identity", Inputs: []string{"x"}, Outputs: []string{"y"}}},
				Inputs:  []onnx.Value{{Name: "x", Type: c.elem, Shape: shape}},
				Outputs: []onnx.Value{{Name: "y", Type: c.elem, Shape: shape}},
			}
			s := open(t, g, ort.SessionOptions{})
			x := []*ort.Tensor{{Shape: []int64{2}, Data: c.tensor}}
			switch {
			case len(shape) == 0:
				x = []*ort.Tensor{{Shape: []int64{}, Data: c.scalar}}
			case shape[0] < 0:
				x = append(x, &ort.Tensor{Shape: []int64{0}, Data: c.none})
			}
			for _, x := range x {
				out := ort.Tensors{"y": nil}
				if err := s.Run(t.Context(), ort.Tensors{"x": x}, out); err != nil {
					t.Fatalf("type %d, shape %v: %v", c.elem, x.Shape, err)
				}
				if diff := cmp.Diff(x, out["y"]); diff != "" {
					t.Errorf("type %d, shape %v differs (-want +got):\n%s", c.elem, x.Shape, diff)
				}
			}
		}
	}
}

func TestRunGivesTheOutputsAskedFor(t *testing.T) {
	g := product(2, 3, 2)
	g.Nodes = append(g.Nodes, onnx.Node{Op: "Neg", Inputs: []string{"y"}, Outputs: []string{"z"}})
	g.Outputs = append(g.Outputs, value("z", 2, 2))
	want := ort.Tensors{"z": {Shape: []int64{2, 2}, Data: []float32{-4, -5, -10, -11}}}
	for name, opts := range map[string]ort.SessionOptions{
		"all are the session's": {},
		"one is the session's":  {Outputs: []ort.Spec{{Name: "z", Type: onnx.Float, Shape: []int64{2, 2}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, g, opts)
			if n := len(s.Outputs()); n != max(1, 2-len(opts.Outputs)) {
				t.Errorf("the session has %d outputs", n)
			}
			got := ort.Tensors{"z": nil}
			if err := s.Run(t.Context(), matrices(), got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outputs differ (-want +got):\n%s", diff)
			}
		})
	}
}

// side is the number of rows and of columns of the matrix that powers takes.
const side = 96

// powers is a model that multiplies a matrix with itself trips times in a Loop.
func powers() *onnx.Graph {
	body := &onnx.Graph{
		Name: "body",
		Nodes: []onnx.Node{
			{Op: "Identity", Inputs: []string{"going"}, Outputs: []string{"go_on"}},
			{Op: "MatMul", Inputs: []string{"x", "x"}, Outputs: []string{"xx"}},
			{Op: "Tanh", Inputs: []string{"xx"}, Outputs: []string{"next"}},
		},
		Inputs:  []onnx.Value{{Name: "trip", Type: onnx.Int64, Shape: []int64{}}, {Name: "going", Type: onnx.Bool, Shape: []int64{}}, value("x", side, side)},
		Outputs: []onnx.Value{{Name: "go_on", Type: onnx.Bool, Shape: []int64{}}, value("next", side, side)},
	}
	return &onnx.Graph{
		Name: "powers",
		Nodes: []onnx.Node{{
			Op: "Loop", Inputs: []string{"trips", "", "start"}, Outputs: []string{"end"},
			Attrs: []onnx.Attr{{Name: "body", Value: body}},
		}},
		Inputs:  []onnx.Value{{Name: "trips", Type: onnx.Int64, Shape: []int64{}}, value("start", side, side)},
		Outputs: []onnx.Value{value("end", side, side)},
	}
}

// trips are inputs of powers.
func trips(count int64) ort.Tensors {
	return ort.Tensors{
		"trips": {Data: []int64{count}},
		"start": {Shape: []int64{side, side}, Data: make([]float32, side*side)},
	}
}
