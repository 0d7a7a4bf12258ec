package onnx_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"engram/embed/internal/message"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// contents are the names in an ONNX file, in its order.
type contents struct {
	Model     string     `json:"model"`
	Output    string     `json:"output"`
	Nodes     [][]string `json:"nodes"` // outputs of each
	Constants []string   `json:"constants"`
	Inputs    []string   `json:"inputs"`
}

// read reads the names of a model.
func (c *contents) read(t *testing.T, b []byte) {
	t.Helper()
	r := bytes.NewReader(b)
	names := func(s message.Section, want protowire.Number) (names []string) {
		err := message.Walk(r, s, func(field protowire.Number, body message.Section, _ uint64) error {
			if field == want {
				name, err := message.String(r, body)
				names = append(names, name)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	err := message.Walk(r, message.Section{End: int64(len(b))}, func(field protowire.Number, graph message.Section, _ uint64) error {
		if field != 7 {
			return nil
		}
		return message.Walk(r, graph, func(field protowire.Number, body message.Section, _ uint64) error {
			switch field {
			case 1:
				c.Nodes = append(c.Nodes, names(body, 2))
			case 5:
				c.Constants = append(c.Constants, names(body, 8)...)
			case 11:
				c.Inputs = append(c.Inputs, names(body, 1)...)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// extract cuts a model in memory.
func extract(t testing.TB, model []byte, cut onnx.Cut) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := onnx.Extract(bytes.NewReader(model), int64(len(model)), cut, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestExtractKeepsWhatTheReferenceKeeps compares with onnx.utils.Extractor
// (scripts/golden_onnx.py).
func TestExtractKeepsWhatTheReferenceKeeps(t *testing.T) {
	text, err := os.ReadFile("testdata/extract.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []contents
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, want := range cases {
		whole, err := os.ReadFile(filepath.Join("..", "..", want.Model))
		if err != nil {
			t.Fatal(err)
		}
		got := contents{Model: want.Model, Output: want.Output}
		got.read(t, extract(t, whole, onnx.Cut{Outputs: []string{want.Output}}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Output, diff)
		}
	}
}

// run opens a model and gives one of its outputs.
func run(t *testing.T, rt *ort.Runtime, model []byte, output string, in ort.Tensors) *ort.Tensor {
	t.Helper()
	s, err := rt.OpenBytes(output, model, ort.SessionOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	given := ort.Tensors{}
	for _, spec := range s.Inputs() {
		given[spec.Name] = in[spec.Name]
	}
	out := ort.Tensors{output: nil}
	if err := s.Run(t.Context(), given, out); err != nil {
		t.Fatal(err)
	}
	return out[output]
}

// TestExtractedPartsComputeTheSame runs a graph and its parts.
func TestExtractedPartsComputeTheSame(t *testing.T) {
	rt := orttest.Runtime(t)
	value := func(name string, shape ...int64) onnx.Value {
		return onnx.Value{Name: name, Type: onnx.Float, Shape: shape}
	}
	branch := func(op, outer string) *onnx.Graph {
		return &onnx.Graph{
			Name:    op,
			Nodes:   []onnx.Node{{Op: op, Inputs: []string{outer, "half"}, Outputs: []string{op + "_out"}}},
			Outputs: []onnx.Value{value(op+"_out", 2)},
			Consts:  []onnx.Tensor{{Name: op + "_unused", Type: onnx.Float, Data: []float32{1}}},
		}
	}
	model, err := onnx.Marshal(&onnx.Graph{
		Name: "captures",
		Nodes: []onnx.Node{
			{Op: "Abs", Inputs: []string{"x"}, Outputs: []string{"inside"}}, // only the branches take it
			{Op: "Neg", Inputs: []string{"y"}, Outputs: []string{"other"}},
			{Op: "If", Inputs: []string{"flag"}, Outputs: []string{"chosen"}, Attrs: []onnx.Attr{
				{Name: "then_branch", Value: branch("Add", "inside")}, {Name: "else_branch", Value: branch("Mul", "inside")},
			}},
			{Op: "Exp", Inputs: []string{"chosen"}, Outputs: []string{"end"}},
		},
		Inputs:  []onnx.Value{value("x", 2), value("y", 3), {Name: "flag", Type: onnx.Bool, Shape: []int64{}}},
		Outputs: []onnx.Value{value("end", 2), value("other", 3)},
		Consts:  []onnx.Tensor{{Name: "half", Type: onnx.Float, Data: []float32{.5}}, {Name: "unused", Type: onnx.Float, Data: []float32{1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := ort.Tensors{
		"x": {Shape: []int64{2}, Data: []float32{-1, 2}}, "y": {Shape: []int64{3}, Data: []float32{1, 2, 3}},
		"flag": {Shape: []int64{}, Data: []bool{true}},
	}
	for _, output := range []string{"end", "other"} {
		part := extract(t, model, onnx.Cut{Outputs: []string{output}})
		if diff := cmp.Diff(run(t, rt, model, output, in), run(t, rt, part, output, in)); diff != "" {
			t.Errorf("%s (-whole +part):\n%s", output, diff)
		}
		if bytes.Contains(part, []byte("unused")) != (output == "end") { // the branches' own stay
			t.Errorf("%s: constants that nothing takes are kept, or nested graphs changed", output)
		}
	}
	// A value inside, and a node of our own behind it.
	inner := extract(t, model, onnx.Cut{Outputs: []string{"chosen"}, Values: []onnx.Value{value("chosen", 2)}})
	got := run(t, rt, inner, "chosen", in)
	if diff := cmp.Diff(&ort.Tensor{Shape: []int64{2}, Data: []float32{1.5, 2.5}}, got); diff != "" {
		t.Errorf("chosen (-want +got):\n%s", diff)
	}
	doubled := extract(t, model, onnx.Cut{
		Outputs: []string{"doubled"},
		Append:  []onnx.Node{{Op: "Mul", Inputs: []string{"chosen", "two"}, Outputs: []string{"doubled"}}},
		Consts:  []onnx.Tensor{{Name: "two", Type: onnx.Float, Data: []float32{2}}},
		Values:  []onnx.Value{value("doubled", 2)},
	})
	got = run(t, rt, doubled, "doubled", in)
	if diff := cmp.Diff(&ort.Tensor{Shape: []int64{2}, Data: []float32{3, 5}}, got); diff != "" {
		t.Errorf("doubled (-want +got):\n%s", diff)
	}
}

func TestExtractRefuses(t *testing.T) {
	model := signatureModel(t)
	for _, c := range []struct {
		name  string
		model []byte
		cut   onnx.Cut
		want  string
	}{
		{"an output that is not there", model, onnx.Cut{Outputs: []string{"none"}}, `no node of the graph gives "none"`},
		{"an input", model, onnx.Cut{Outputs: []string{"x"}}, `no node of the graph gives "x"`},
		{"a value that nothing gives", model, onnx.Cut{Outputs: []string{"z"}}, `the graph takes "c", which nothing in it gives`},
		{"an appended node without a value", model, onnx.Cut{Outputs: []string{"o"}, Append: []onnx.Node{{Op: "Neg", Inputs: []string{"q"}, Outputs: []string{"o"}}}}, `takes "q"`},
		{"a value of no known type", model, onnx.Cut{Outputs: []string{"o"}, Append: []onnx.Node{{Op: "Neg", Inputs: []string{"y"}, Outputs: []string{"o"}}}}, `does not declare "o"`},
		{"no model", []byte("<html>"), onnx.Cut{Outputs: []string{"y"}}, "it is not an ONNX model"},
		{"nothing", nil, onnx.Cut{Outputs: []string{"y"}}, "it is not an ONNX model"},
	} {
		err := onnx.Extract(bytes.NewReader(c.model), int64(len(c.model)), c.cut, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, wanted %q", c.name, err, c.want)
		}
	}
}

// vast is a file of head, zeros up to size, and tail.
type vast struct {
	head, tail []byte
	size       int64
}

func (v *vast) ReadAt(p []byte, at int64) (int, error) {
	if at >= v.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), v.size-at))
	clear(p[:n])
	if at < int64(len(v.head)) {
		copy(p[:n], v.head[at:])
	}
	if start := v.size - int64(len(v.tail)); at+int64(n) > start {
		copy(p[max(0, start-at):n], v.tail[max(0, at-start):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestExtractHoldsNoWeights cuts a model of nearly 2 GiB in a few megabytes of memory.
func TestExtractHoldsNoWeights(t *testing.T) {
	node := func(in, weights, out string) []byte {
		return field(1, field(1, []byte(in)), field(1, []byte(weights)), field(2, []byte(out)), field(4, []byte("Add")))
	}
	input := func(number protowire.Number, name string) []byte { return field(number, field(1, []byte(name))) }
	const weights = math.MaxInt32 - 1<<20
	tail := bytes.Join([][]byte{node("a", "large", "b"), node("c", "small", "d"), field(5, field(8, []byte("small"))),
		input(11, "a"), input(11, "c"), input(12, "b"), input(12, "d")}, nil)
	// The graph is a tensor of weights, whose name comes first, and the rest.
	name := field(8, []byte("large"))
	raw := protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.BytesType), weights)
	tensor := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.BytesType), uint64(len(name)+len(raw))+weights)
	graph := uint64(len(tensor)+len(name)+len(raw)+len(tail)) + weights
	head := protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.BytesType), graph)
	size := int64(len(head)) + int64(graph)
	file := &vast{head: bytes.Join([][]byte{head, tensor, name, raw}, nil), tail: tail, size: size}
	for output, want := range map[string]int64{"b": weights, "d": 0} {
		var written counter
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := onnx.Extract(file, size, onnx.Cut{Outputs: []string{output}}, &written); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if n := int64(written); n < want || n > want+1<<10 {
			t.Errorf("%s: wrote %d bytes, wanted little more than %d", output, n, want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: took %d bytes of memory", output, used)
		}
	}
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func FuzzExtract(f *testing.F) {
	f.Add(signatureModel(f), "y")
	whole, err := os.ReadFile("testdata/everything.onnx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, "quick")
	f.Fuzz(func(t *testing.T, model []byte, output string) {
		var out bytes.Buffer
		if onnx.Extract(bytes.NewReader(model), int64(len(model)), onnx.Cut{Outputs: []string{output}}, &out) != nil {
			return
		}
		var again bytes.Buffer // what it writes is a model, and its own part is itself
		if err := onnx.Extract(bytes.NewReader(out.Bytes()), int64(out.Len()), onnx.Cut{Outputs: []string{output}}, &again); err != nil {
			t.Fatalf("the part of a part: %v", err)
		}
		if !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Error("the part of a part is another one")
		}
	})
}
