package ort_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// adamWModel is a model of one operator AdamW on arrays of n elements. others are the
// sizes of inputs that have another one, by their names.
func adamWModel(t *testing.T, n int, others map[string]int) []byte {
	t.Helper()
	g := &onnx.Graph{Name: "step", Outputs: []onnx.Value{{Name: "done", Type: onnx.Bool, Shape: []int64{}}}}
	node := onnx.Node{Op: ort.AdamWOp, Domain: ort.AdamWDomain, Outputs: []string{"done"}}
	for _, in := range []struct {
		name string
		size int
	}{{"p", n}, {"m", n}, {"v", n}, {"g", n}, {"scalars", ort.AdamWScalars}, {"wait", 1}} {
		if other, ok := others[in.name]; ok {
			in.size = other
		}
		g.Inputs = append(g.Inputs, onnx.Value{Name: in.name, Type: onnx.Float, Shape: []int64{int64(in.size)}})
		node.Inputs = append(node.Inputs, in.name)
	}
	g.Nodes = []onnx.Node{node}
	content, err := onnx.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestAdamWStepIsExact compares the operator bit for bit with the formula in float32:
// arrays that fill no vector, fill some and a rest, and are shared among threads.
func TestAdamWStepIsExact(t *testing.T) {
	rt := orttest.Runtime(t)
	for _, n := range []int{1, 5, 16, 100, 3<<14 + 21} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			session, err := rt.OpenBytes("step", adamWModel(t, n, nil), ort.SessionOptions{AdamW: true, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			in := ort.Tensors{"wait": {Shape: []int64{1}, Data: []float32{0}}}
			arrays := map[string][]float32{}
			for _, name := range []string{"p", "m", "v", "g"} {
				values := make([]float32, n)
				for i := range values {
					values[i] = rng.Float32()
				}
				arrays[name] = values
				in[name] = &ort.Tensor{Shape: []int64{int64(n)}, Data: values}
			}
			s := []float32{.83, .012, 1e-4, 3.7, .71, .27, .93}
			in["scalars"] = &ort.Tensor{Shape: []int64{ort.AdamWScalars}, Data: s}
			p, m, v := make([]float32, n), make([]float32, n), make([]float32, n)
			for i, g := range arrays["g"] {
				// float32(…) rounds a product before it is added.
				mean := float32(arrays["m"][i]*s[0]) + g
				square := float32(arrays["v"][i]*s[3]) + float32(g*g)
				root := float32(math.Sqrt(float64(square)))
				p[i] = (arrays["p"][i] - float32(mean/(root+s[2])*s[1])) * s[6]
				m[i], v[i] = mean*s[4], square*s[5]
			}
			out := ort.Tensors{"done": nil}
			if err := session.Run(t.Context(), in, out); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string][]float32{"p": p, "m": m, "v": v} {
				for i := range want {
					if arrays[name][i] != want[i] {
						t.Fatalf("%s[%d] is %v, want %v", name, i, arrays[name][i], want[i])
					}
				}
			}
			if done := out["done"].Data.([]bool); !done[0] {
				t.Error("the output is false")
			}
		})
	}
}

// TestAdamWRefusesWhatDoesNotFit gives inputs that are too short, one at a time: the
// operator would read or write behind their end.
func TestAdamWRefusesWhatDoesNotFit(t *testing.T) {
	rt := orttest.Runtime(t)
	for name, size := range map[string]int{"m": 7, "v": 7, "g": 7, "scalars": ort.AdamWScalars - 1} {
		session, err := rt.OpenBytes("step", adamWModel(t, 8, map[string]int{name: size}), ort.SessionOptions{AdamW: true})
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		in := ort.Tensors{}
		for _, spec := range session.Inputs() {
			in[spec.Name] = &ort.Tensor{Shape: spec.Shape, Data: make([]float32, spec.Shape[0])}
		}
		err = session.Run(t.Context(), in, ort.Tensors{"done": nil})
		if err == nil || !strings.Contains(err.Error(), "differ in size") {
			t.Errorf("%s of %d elements for a parameter of 8 gives %v", name, size, err)
		}
	}
	if _, err := rt.OpenBytes("step", adamWModel(t, 8, nil), ort.SessionOptions{}); err == nil {
		t.Error("a session that did not ask for the operator has it")
	}
	_, err := rt.OpenBytes("step", adamWModel(t, 8, nil), ort.SessionOptions{AdamW: true, Device: "cuda:0"})
	if err == nil || !strings.Contains(err.Error(), "wanted cpu") {
		t.Errorf("the operator on CUDA gives %v", err)
	}
}
