package ort_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// wantSentence fails unless err is one line with all parts, and wraps is (nil
// for any).
func wantSentence(t *testing.T, err, is error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", parts)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("%v\ndoes not wrap %v", err, is)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nlacks %q", err, part)
		}
	}
}

func TestRunRefusesTensorsThatDoNotFit(t *testing.T) {
	s := open(t, product(-1, 3, 2), ort.SessionOptions{})
	with := func(name string, tensor *ort.Tensor) ort.Tensors {
		in := matrices()
		in[name] = tensor
		return in
	}
	missing := matrices()
	delete(missing, "b")
	any := ort.Tensors{"y": nil}
	cases := []struct {
		name    string
		in, out ort.Tensors
		parts   []string
	}{
		{"missing input", missing, any, []string{"input b is missing, wanted float32[3,2]"}},
		{"unknown input", with("c", nil), any, []string{"there is no input c", "inputs are a, b"}},
		{"nil input", with("b", nil), any, []string{"input b is nil, wanted float32[3,2]"}},
		{"wrong type", with("b", &ort.Tensor{Shape: []int64{3, 2}, Data: make([]int64, 6)}), any, []string{"input b is int64[3,2], wanted float32[3,2]"}},
		{"no tensor's type", with("b", &ort.Tensor{Shape: []int64{3, 2}, Data: make([]float64, 6)}), any, []string{"input b has data of type []float64, wanted float32[3,2]"}},
		{"wrong dimension", with("b", &ort.Tensor{Shape: []int64{2, 2}, Data: make([]float32, 4)}), any, []string{"input b is float32[2,2], wanted float32[3,2]"}},
		{"wrong rank", with("a", &ort.Tensor{Shape: []int64{3}, Data: make([]float32, 3)}), any, []string{"input a is float32[3], wanted float32[?,3]"}},
		{"too few elements", with("a", &ort.Tensor{Shape: []int64{2, 3}, Data: make([]float32, 5)}), any, []string{"input a is float32[2,3] but has 5 elements"}},
		{"negative dimension", with("a", &ort.Tensor{Shape: []int64{-2, 3}, Data: make([]float32, 6)}), any, []string{"input a"}},
		{"overflowing shape", with("a", &ort.Tensor{Shape: []int64{1 << 62, 3}, Data: make([]float32, 6)}), any, []string{"input a"}},
		{"unknown output", matrices(), ort.Tensors{"z": nil}, []string{"there is no output z", "outputs are y"}},
		{"no output", matrices(), nil, []string{"no output is asked for"}},
		{"output of wrong type", matrices(), ort.Tensors{"y": {Shape: []int64{2, 2}, Data: make([]uint8, 4)}}, []string{"output y is uint8[2,2], wanted float32[?,2]"}},
		{"output too short", matrices(), ort.Tensors{"y": {Shape: []int64{2, 2}, Data: make([]float32, 3)}}, []string{"output y is float32[2,2] but has 3 elements"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantSentence(t, s.Run(t.Context(), c.in, c.out), ort.ErrMismatch, append(c.parts, "product")...)
		})
	}
	t.Run("rows that only the run can know", func(t *testing.T) {
		out := ort.Tensors{"y": {Shape: []int64{3, 2}, Data: make([]float32, 6)}}
		wantSentence(t, s.Run(t.Context(), matrices(), out), nil, "product")
	})
}

func TestOpenChecksWhatTheCallerExpects(t *testing.T) {
	b, err := onnx.Marshal(product(-1, 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	r := orttest.Runtime(t)
	spec := func(name string, kind onnx.ElemType, shape ...int64) []ort.Spec {
		return []ort.Spec{{Name: name, Type: kind, Shape: shape}}
	}
	cases := []struct {
		name  string
		opts  ort.SessionOptions
		parts []string // empty: the open succeeds
	}{
		{"fits", ort.SessionOptions{Inputs: spec("a", onnx.Float, -1, 3), Outputs: spec("y", onnx.Float, -1, 2)}, nil},
		{"open dimensions fit", ort.SessionOptions{Inputs: spec("a", onnx.Float, 8, -1)}, nil},
		{"any rank fits", ort.SessionOptions{Inputs: []ort.Spec{{Name: "a", Type: onnx.Float}}}, nil},
		{"input name", ort.SessionOptions{Inputs: spec("x", onnx.Float, -1, 3)}, []string{"wanted input x float32[?,3], the model's inputs are a, b"}},
		{"output name", ort.SessionOptions{Outputs: spec("x", onnx.Float, -1, 3)}, []string{"wanted output x float32[?,3], the model's outputs are y"}},
		{"type", ort.SessionOptions{Inputs: spec("a", onnx.Float16, -1, 3)}, []string{"wanted input a float16[?,3], found float32[?,3]"}},
		{"dimension", ort.SessionOptions{Outputs: spec("y", onnx.Float, -1, 768)}, []string{"wanted output y float32[?,768], found float32[?,2]"}},
		{"rank", ort.SessionOptions{Inputs: spec("b", onnx.Float, 3)}, []string{"wanted input b float32[3], found float32[3,2]"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := r.OpenBytes("product.onnx", b, c.opts)
			if c.parts == nil {
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
				return
			}
			wantSentence(t, err, ort.ErrMismatch, append(c.parts, "product.onnx")...)
		})
	}
}

func TestOpenRefusesWhatIsNoModel(t *testing.T) {
	good, err := onnx.Marshal(product(2, 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	badGraph := product(2, 3, 2)
	badGraph.Nodes[0].Op = "NoSuchOperator"
	badOp, err := onnx.Marshal(badGraph)
	if err != nil {
		t.Fatal(err)
	}
	noInputs, err := onnx.Marshal(&onnx.Graph{Name: "empty"})
	if err != nil {
		t.Fatal(err)
	}
	r := orttest.Runtime(t)
	cases := []struct {
		name    string
		content []byte
		part    string
	}{
		{"empty", nil, "it is not an ONNX model"},
		{"text", []byte("<html>not found</html>"), "it is not an ONNX model"},
		{"truncated", good[:len(good)-9], "it is not an ONNX model"},
		{"unknown operator", badOp, "NoSuchOperator"},
		{"no inputs", noInputs, "wanted a model with inputs and outputs"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.onnx")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := r.OpenFile(path, ort.SessionOptions{})
			wantSentence(t, err, nil, path, c.part)
			_, err = r.OpenBytes("bytes", c.content, ort.SessionOptions{})
			wantSentence(t, err, nil, "bytes", c.part)
		})
	}
	t.Run("missing file", func(t *testing.T) {
		_, err := r.OpenFile("no/such.onnx", ort.SessionOptions{})
		wantSentence(t, err, os.ErrNotExist, "no/such.onnx")
	})
	t.Run("folder", func(t *testing.T) {
		_, err := r.OpenFile(t.TempDir(), ort.SessionOptions{})
		wantSentence(t, err, nil, "no regular file")
	})
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "model.onnx")
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := r.OpenFile(path, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Run(t.Context(), matrices(), ort.Tensors{"y": nil}); err != nil {
			t.Error(err)
		}
		if got := s.Device(); got != "cpu" {
			t.Errorf("device is %q, want cpu", got)
		}
	})
}

func TestOpenRefusesDevices(t *testing.T) {
	b, err := onnx.Marshal(product(2, 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	r := orttest.Runtime(t)
	for _, device := range []string{"gpu", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "CPU"} {
		_, err := r.OpenBytes("product", b, ort.SessionOptions{Device: device})
		wantSentence(t, err, nil, "product", `"cpu" or "cuda:N"`)
	}
	// The library of the tests is the build for the CPU.
	_, err = r.OpenBytes("product", b, ort.SessionOptions{Device: "cuda:0"})
	wantSentence(t, err, nil, "product", "device cuda:0", "the build for the CPU, wanted the CUDA build")
	_, err = r.OpenBytes("product", b, ort.SessionOptions{Threads: -1})
	wantSentence(t, err, nil, "product", "threads -1")
}

func TestOpenSaysWhatToDoAboutOperators(t *testing.T) {
	rt := orttest.Runtime(t)
	value := func(name string, kind onnx.ElemType) onnx.Value {
		return onnx.Value{Name: name, Type: kind, Shape: []int64{2, 2}}
	}
	for name, g := range map[string]*onnx.Graph{
		"Whirl": {
			Nodes:  []onnx.Node{{Op: "Whirl", Domain: "com.example", Inputs: []string{"x"}, Outputs: []string{"y"}}},
			Inputs: []onnx.Value{value("x", onnx.Float)}, Outputs: []onnx.Value{value("y", onnx.Float)},
		},
		"Atan": { // of double precision: in ONNX, and without a kernel
			Nodes:  []onnx.Node{{Op: "Atan", Inputs: []string{"x"}, Outputs: []string{"y"}}},
			Inputs: []onnx.Value{value("x", 11)}, Outputs: []onnx.Value{value("y", 11)},
		},
	} {
		b, err := onnx.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		_, err = rt.OpenBytes("image.onnx", b, ort.SessionOptions{})
		wantSentence(t, err, ort.ErrOperator, "image.onnx", name, "take it in another precision")
	}
}
