package clip_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/tokenizer"
)

// openText opens a text encoder until the test ends.
func openText(t testing.TB, rt *ort.Runtime, m *model.Model, opts clip.Options) *clip.TextEncoder {
	t.Helper()
	e, err := clip.OpenText(rt, m, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestAModelWithoutTexts(t *testing.T) {
	m, err := clip.WritePixels(t.TempDir(), 8)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clip.OpenText(orttest.Runtime(t), m, clip.Options{}); !errors.Is(err, clip.ErrNoText) {
		t.Errorf("error is %v, want %v", err, clip.ErrNoText)
	}
}

// sumModel writes a CLIP of D = 4 whose text vector is the sum of its words' rows of
// a table: words 2, 3 and 4 are the axes 0, 1 and 2, and padding the axis 3. inputs
// are the graph's; one called "mask" hides ids.
func sumModel(t *testing.T, inputs ...onnx.Value) *model.Model {
	t.Helper()
	return weightedModel(t, 0, inputs...)
}

// weightedModel is sumModel with a factor of 1 for each of n ids inside the graph, so
// that it runs on no other number of them, whatever it declares. 0 stands for none.
func weightedModel(t *testing.T, n int64, inputs ...onnx.Value) *model.Model {
	t.Helper()
	dir := t.TempDir()
	graph := &onnx.Graph{
		Name: "sum", Inputs: inputs,
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float, Shape: []int64{-1, 4}}},
		Consts: []onnx.Tensor{
			{Name: "table", Type: onnx.Float, Shape: []int64{5, 4}, Data: []float32{0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}},
			{Name: "ids axis", Type: onnx.Int64, Shape: []int64{1}, Data: []int64{1}},
			{Name: "last axis", Type: onnx.Int64, Shape: []int64{1}, Data: []int64{2}},
		},
		Nodes: []onnx.Node{
			{Op: "Cast", Inputs: []string{"ids"}, Outputs: []string{"int64 ids"}, Attrs: []onnx.Attr{{Name: "to", Value: int64(onnx.Int64)}}},
			{Op: "Gather", Inputs: []string{"table", "int64 ids"}, Outputs: []string{"rows"}},
		},
	}
	tensors, rows := map[string]string{"ids": "ids"}, "rows"
	if slices.ContainsFunc(inputs, func(v onnx.Value) bool { return v.Name == "mask" }) {
		tensors["mask"], rows = "mask", "seen"
		graph.Nodes = append(graph.Nodes,
			onnx.Node{Op: "Cast", Inputs: []string{"mask"}, Outputs: []string{"float mask"}, Attrs: []onnx.Attr{{Name: "to", Value: int64(onnx.Float)}}},
			onnx.Node{Op: "Unsqueeze", Inputs: []string{"float mask", "last axis"}, Outputs: []string{"wide mask"}},
			onnx.Node{Op: "Mul", Inputs: []string{"rows", "wide mask"}, Outputs: []string{"seen"}})
	}
	if n > 0 {
		ones := slices.Repeat([]float32{1}, int(n))
		graph.Consts = append(graph.Consts, onnx.Tensor{Name: "ones", Type: onnx.Float, Shape: []int64{1, n, 1}, Data: ones})
		graph.Nodes = append(graph.Nodes, onnx.Node{Op: "Mul", Inputs: []string{rows, "ones"}, Outputs: []string{"weighted"}})
		rows = "weighted"
	}
	graph.Nodes = append(graph.Nodes, onnx.Node{
		Op: "ReduceSum", Inputs: []string{rows, "ids axis"}, Outputs: []string{"y"}, Attrs: []onnx.Attr{{Name: "keepdims", Value: int64(0)}},
	})
	text, err := onnx.Marshal(graph)
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := onnx.Marshal(&onnx.Graph{
		Name:    "image",
		Inputs:  []onnx.Value{{Name: "x", Type: onnx.Float, Shape: []int64{-1, 3, 2, 2}}},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float, Shape: []int64{-1, 4}}},
		Consts:  []onnx.Tensor{{Name: "channels", Type: onnx.Int64, Shape: []int64{1}, Data: []int64{1}}, {Name: "flat", Type: onnx.Int64, Shape: []int64{2}, Data: []int64{0, 4}}},
		Nodes: []onnx.Node{
			{Op: "ReduceMean", Inputs: []string{"x", "channels"}, Outputs: []string{"grey"}},
			{Op: "Reshape", Inputs: []string{"grey", "flat"}, Outputs: []string{"y"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "text.onnx"), text, 0o644), os.WriteFile(filepath.Join(dir, "image.onnx"), pixels, 0o644),
		tokenizer.WriteVocabulary(filepath.Join(dir, "words.txt"), []string{"dog", "cat", "snow"}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Write(dir, model.Manifest{
		Kind: model.CLIP, Name: "sum", Version: "1", Licence: "CC0-1.0", Source: "a test", T: 1, D: 4, ImageSize: 2,
		Graphs: map[string]model.Graph{
			"image": {File: "image.onnx", Inputs: map[string]string{"pixels": "x"}, Outputs: map[string]string{"embedding": "y"}},
			"text":  {File: "text.onnx", Inputs: tensors, Outputs: map[string]string{"embedding": "y"}},
		},
		Preprocess: &model.Preprocess{Filter: "bilinear", Antialias: true, Crop: "none", Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1}},
		Tokenizer:  &model.Tokenizer{File: "words.txt", Context: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// value is an input of texts by ids.
func value(name string, kind onnx.ElemType, n, ids int64) onnx.Value {
	return onnx.Value{Name: name, Type: kind, Shape: []int64{n, ids}}
}

func TestTextsInEveryFormOfInput(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	texts := []string{"a dog", "a cat and a dog", "snow", "dog dog cat", "a dog in the snow with a cat"}
	for name, inputs := range map[string][]onnx.Value{
		"int64":                 {value("ids", onnx.Int64, -1, 5)},
		"int32":                 {value("ids", onnx.Int32, -1, 5)},
		"one at a time":         {value("ids", onnx.Int32, 1, 5)},
		"three at a time":       {value("ids", onnx.Int64, 3, 5)},
		"any number of ids":     {value("ids", onnx.Int64, -1, -1)},
		"a mask":                {value("ids", onnx.Int64, -1, -1), value("mask", onnx.Int64, -1, -1)},
		"a mask of int32":       {value("ids", onnx.Int64, -1, 5), value("mask", onnx.Int32, -1, 5)},
		"a mask, two at a time": {value("mask", onnx.Int32, 2, 5), value("ids", onnx.Int32, 2, 5)},
	} {
		masked := len(inputs) == 2
		e := openText(t, rt, sumModel(t, inputs...), clip.Options{Batch: 2})
		got, err := e.Encode(t.Context(), texts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Sums of the axes of dog, cat and snow, and of the padding up to 5 words.
		want := []embed.Vector{{1, 0, 0, 3}, {1, 1, 0, 0}, {0, 0, 1, 4}, {2, 1, 0, 2}, {1, 0, 1, 0}}
		for i, w := range want {
			if masked {
				w[3] = 0
			}
			if err := embed.Normalize(w); err != nil {
				t.Fatal(err)
			}
			if off := worstOf(got[i], w); off > 1e-6 {
				t.Errorf("%s: %q is %v, want %v", name, texts[i], got[i], w)
			}
		}
		if e.LeavesPaddingOut() != (name == "a mask") {
			t.Errorf("%s: padding is left out: %t", name, e.LeavesPaddingOut())
		}
	}
}

// A graph that declares any number of ids and takes one only gets the padding.
func TestAGraphThatFailsOnFewerIDsGetsThePadding(t *testing.T) {
	t.Parallel()
	e := openText(t, orttest.Runtime(t), weightedModel(t, 5, value("ids", onnx.Int64, -1, -1), value("mask", onnx.Int64, -1, -1)), clip.Options{})
	for range 2 {
		got, err := e.Encode(t.Context(), []string{"a dog", "snow"})
		if err != nil {
			t.Fatal(err)
		}
		if worstOf(got[0], embed.Vector{1, 0, 0, 0}) > 1e-6 || worstOf(got[1], embed.Vector{0, 0, 1, 0}) > 1e-6 || e.LeavesPaddingOut() {
			t.Errorf("vectors are %v, padding is left out: %t", got, e.LeavesPaddingOut())
		}
	}
}

func TestTextGraphsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for name, test := range map[string]struct {
		inputs []onnx.Value
		change func(*model.Manifest)
		want   string
	}{
		"another context": {[]onnx.Value{value("ids", onnx.Int64, -1, 7)}, nil, "of 5 ids, the manifest's context, found int64[?,7]"},
		"ids of floats":   {[]onnx.Value{value("ids", onnx.Float, -1, 5)}, nil, "input ids of int64 or int32, found float32[?,5]"},
		"one axis":        {[]onnx.Value{{Name: "ids", Type: onnx.Int64, Shape: []int64{5}}}, nil, "the axes texts and ids"},
		"another input": {
			[]onnx.Value{value("ids", onnx.Int64, -1, 5), value("mask", onnx.Int64, -1, 5)},
			func(m *model.Manifest) { delete(m.Graphs["text"].Inputs, "mask") }, "input mask is not in the manifest, wanted ids alone",
		},
		"no mask": {
			[]onnx.Value{value("ids", onnx.Int64, -1, 5)},
			func(m *model.Manifest) { m.Graphs["text"].Inputs["mask"] = "attention_mask" }, "no input attention_mask",
		},
		"another D":    {[]onnx.Value{value("ids", onnx.Int64, -1, 5)}, func(m *model.Manifest) { m.D = 8 }, "float32[?,8]"},
		"no such file": {[]onnx.Value{value("ids", onnx.Int64, -1, 5)}, func(m *model.Manifest) { m.Tokenizer.File = "vocab.json" }, "vocab.json"},
	} {
		m := sumModel(t, test.inputs...)
		if test.change != nil {
			test.change(&m.Manifest)
		}
		_, err := clip.OpenText(rt, m, clip.Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), m.Dir()) {
			t.Errorf("%s: %v, want ... %s ... in %s", name, err, test.want, m.Dir())
		}
	}
}

func TestTextsWithoutMeaning(t *testing.T) {
	t.Parallel()
	e := openText(t, orttest.Runtime(t), sumModel(t, value("ids", onnx.Int64, -1, 5)), clip.Options{})
	long := strings.Repeat("unknown ", 10_000)
	for text, want := range map[string]string{"": "the text is empty", " \t\n": "the text is empty", "zebra": `has no word of "zebra"`, long: "unkn…"} {
		_, err := e.Encode(t.Context(), []string{"dog", text})
		if !errors.Is(err, clip.ErrNoWord) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if got := e.Tokenize("dog " + long); !got.Cut || got.N != e.Context() || got.Known != 1 {
		t.Errorf("a long text is tokenized as %+v", got)
	}
	if v, err := e.Encode(t.Context(), []string{"dog " + long}); err != nil || len(v) != 1 {
		t.Errorf("a long text: %v", err)
	}
	if v, err := e.Encode(t.Context(), nil); err != nil || len(v) != 0 {
		t.Errorf("no texts: %v, %v", v, err)
	}
}

// Texts of one encoder are encoded at the same time, also before it is known whether
// their padding matters.
func TestTextsAtTheSameTime(t *testing.T) {
	t.Parallel()
	e := openText(t, orttest.Runtime(t), repositories[0].open(t, nil), clip.Options{})
	texts := []string{"a photo of a cat", "two dogs", "a red bicycle under a tree at night"}
	want, err := openText(t, orttest.Runtime(t), repositories[0].open(t, nil), clip.Options{}).Encode(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i, text := range slices.Concat(texts, texts, texts) {
		wait.Go(func() {
			got, err := e.Encode(t.Context(), []string{text})
			if err != nil {
				t.Error(err)
			} else if same := embed.Dot(got[0], want[i%len(texts)]); same < equal {
				t.Errorf("%q has cosine %v to what it has alone", text, same)
			}
		})
	}
	wait.Wait()
}
