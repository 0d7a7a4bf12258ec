package layout_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"

	"engram/data/models"
	"engram/embed/onnx"
)

// The demo's CLIP as other publishers would have exported it: its graphs get a few
// nodes before and after, and others' names. Numbers of fields are from onnx.proto.

// graph is an ONNX file in parts. Nodes and constants are encoded messages.
type graph struct {
	header         []byte // all fields of ModelProto but the graph
	nodes, consts  [][]byte
	inputs, output []onnx.Value
}

const (
	modelGraph              = 7
	graphNode, graphName    = 1, 2
	graphConst              = 5
	graphInput, graphOutput = 11, 12
	nodeInput, nodeOutput   = 1, 2
	tensorName, tensorRaw   = 8, 9
)

// fields calls f with each field of an encoded message: its number, its content where
// it is a message or text, and the whole field.
func fields(t *testing.T, message []byte, f func(number protowire.Number, content, field []byte)) {
	t.Helper()
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		size := protowire.ConsumeFieldValue(number, kind, message[max(n, 0):])
		if n < 0 || size < 0 {
			t.Fatal("not a protobuf message")
		}
		var content []byte
		if kind == protowire.BytesType {
			content, _ = protowire.ConsumeBytes(message[n:])
		}
		f(number, content, message[:n+size])
		message = message[n+size:]
	}
}

// message appends a field that has content.
func message(b []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), content)
}

func number(b []byte, field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

// readGraph takes a graph of the demo apart, without its inputs and outputs.
func readGraph(t *testing.T, name string) *graph {
	t.Helper()
	folder, err := models.Folder(models.CLIP)
	if err != nil {
		t.Fatal(err)
	}
	file, err := fs.ReadFile(folder, name)
	if err != nil {
		t.Fatal(err)
	}
	g := new(graph)
	fields(t, file, func(n protowire.Number, content, field []byte) {
		if n != modelGraph {
			g.header = append(g.header, field...)
			return
		}
		fields(t, content, func(n protowire.Number, content, _ []byte) {
			switch n {
			case graphNode:
				g.nodes = append(g.nodes, content)
			case graphConst:
				g.consts = append(g.consts, content)
			}
		})
	})
	return g
}

// node encodes an operator. Attributes are integers.
func node(op string, inputs, outputs []string, attrs map[string]int64) (b []byte) {
	for _, name := range inputs {
		b = message(b, nodeInput, []byte(name))
	}
	for _, name := range outputs {
		b = message(b, nodeOutput, []byte(name))
	}
	b = message(b, 4, []byte(op))
	for name, v := range attrs {
		b = message(b, 5, number(number(message(nil, 1, []byte(name)), 3, v), 20, 2)) // 2: INT
	}
	return b
}

// before and after add a node at either end.
func (g *graph) before(op, input, output string, attrs map[string]int64) {
	g.nodes = append([][]byte{node(op, []string{input}, []string{output}, attrs)}, g.nodes...)
}

func (g *graph) after(op string, inputs []string, output string, attrs map[string]int64) {
	g.nodes = append(g.nodes, node(op, inputs, []string{output}, attrs))
}

// renamed puts prefix before every name of a value, so that two graphs fit into one.
func (g *graph) renamed(t *testing.T, prefix string) *graph {
	rename := func(messages [][]byte, numbers ...protowire.Number) (out [][]byte) {
		for _, m := range messages {
			var b []byte
			fields(t, m, func(n protowire.Number, content, field []byte) {
				for _, wanted := range numbers {
					if n == wanted && len(content) > 0 {
						b = message(b, n, append([]byte(prefix), content...))
						return
					}
				}
				b = append(b, field...)
			})
			out = append(out, b)
		}
		return out
	}
	return &graph{header: g.header, nodes: rename(g.nodes, nodeInput, nodeOutput), consts: rename(g.consts, tensorName)}
}

// external moves the constants' content into a file, whose name it is told.
func (g *graph) external(t *testing.T, location string) (file []byte) {
	for i, c := range g.consts {
		var kept, raw []byte
		fields(t, c, func(n protowire.Number, content, field []byte) {
			if n == tensorRaw {
				raw = content
				return
			}
			kept = append(kept, field...)
		})
		if len(raw) < 64 {
			continue
		}
		for key, value := range map[string]string{"location": location, "offset": fmt.Sprint(len(file)), "length": fmt.Sprint(len(raw))} {
			kept = message(kept, 13, message(message(nil, 1, []byte(key)), 2, []byte(value)))
		}
		g.consts[i] = number(kept, 14, 1) // data_location EXTERNAL
		file = append(file, raw...)
	}
	return file
}

// value encodes an input or output.
func value(v onnx.Value) []byte {
	var shape []byte
	for i, d := range v.Shape {
		if d < 0 {
			shape = message(shape, 1, message(nil, 2, fmt.Appendf(nil, "axis%d", i)))
		} else {
			shape = message(shape, 1, number(nil, 1, d))
		}
	}
	tensor := message(number(nil, 1, int64(v.Type)), 2, shape)
	return message(message(nil, 1, []byte(v.Name)), 2, message(nil, 1, tensor))
}

// encode writes the file.
func (g *graph) encode() []byte {
	b := message(nil, graphName, []byte("derived"))
	for _, m := range g.nodes {
		b = message(b, graphNode, m)
	}
	for _, m := range g.consts {
		b = message(b, graphConst, m)
	}
	for _, v := range g.inputs {
		b = message(b, graphInput, value(v))
	}
	for _, v := range g.output {
		b = message(b, graphOutput, value(v))
	}
	return message(bytes.Clone(g.header), modelGraph, b)
}

// form says how a tower is published.
type form struct {
	input, output string
	batch         int64 // -1: any
	unit          bool  // vectors have unit length
	ids           onnx.ElemType
	mask          string // a further input, which the graph has no use for
	states        bool   // all tokens are given instead of the first
}

// imageTower derives an image graph.
func imageTower(t *testing.T, f form) *graph {
	g := readGraph(t, "image.onnx")
	g.before("Identity", f.input, "pixels", nil)
	g.inputs = []onnx.Value{{Name: f.input, Type: onnx.Float, Shape: []int64{f.batch, 3, 64, 64}}}
	if f.states {
		g.after("Identity", []string{"tokens"}, f.output, nil)
		g.output = []onnx.Value{{Name: f.output, Type: onnx.Float, Shape: []int64{f.batch, 65, 128}}}
		return g
	}
	zero := message(number(number(nil, 2, int64(onnx.Int64)), 7, 0), tensorName, []byte("first"))
	g.consts = append(g.consts, zero)
	g.after("Gather", []string{"tokens", "first"}, "pooled", map[string]int64{"axis": 1})
	g.finish("pooled", f)
	return g
}

// textTower derives a text graph.
func textTower(t *testing.T, f form) *graph {
	g := readGraph(t, "text.onnx")
	g.before("Cast", f.input, "ids", map[string]int64{"to": int64(onnx.Int64)})
	g.inputs = []onnx.Value{{Name: f.input, Type: f.ids, Shape: []int64{f.batch, 40}}}
	if f.mask != "" {
		g.inputs = append(g.inputs, onnx.Value{Name: f.mask, Type: f.ids, Shape: []int64{f.batch, 40}})
	}
	g.finish("embedding", f)
	return g
}

// finish adds the output of a tower.
func (g *graph) finish(from string, f form) {
	if f.output == from { // the name is taken inside the graph
		g.nodes[len(g.nodes)-1] = bytes.ReplaceAll(g.nodes[len(g.nodes)-1], []byte(from), []byte("projected"))
		from = "projected"
	}
	if f.unit {
		g.after("LpNormalization", []string{from}, f.output, map[string]int64{"axis": -1, "p": 2})
	} else {
		g.after("Identity", []string{from}, f.output, nil)
	}
	g.output = []onnx.Value{{Name: f.output, Type: onnx.Float, Shape: []int64{f.batch, 128}}}
}

// wholeGraph joins both towers, as optimum exports a CLIPModel.
func wholeGraph(t *testing.T) *graph {
	image := imageTower(t, form{input: "pixel_values", output: "image_embeds", batch: -1, unit: true})
	text := textTower(t, form{input: "input_ids", output: "text_embeds", batch: -1, unit: true, ids: onnx.Int64}).renamed(t, "text:")
	text.before("Identity", "input_ids", "text:input_ids", nil)
	text.after("Identity", []string{"text:text_embeds"}, "text_embeds", nil)
	g := &graph{header: image.header, nodes: append(image.nodes, text.nodes...), consts: append(image.consts, text.consts...)}
	g.after("Transpose", []string{"text_embeds"}, "columns", nil)
	g.after("MatMul", []string{"image_embeds", "columns"}, "logits_per_image", nil)
	g.inputs = []onnx.Value{
		{Name: "input_ids", Type: onnx.Int64, Shape: []int64{-1, 40}}, image.inputs[0],
		{Name: "attention_mask", Type: onnx.Int64, Shape: []int64{-1, 40}},
	}
	g.output = []onnx.Value{
		{Name: "logits_per_image", Type: onnx.Float, Shape: []int64{-1, -1}},
		{Name: "text_embeds", Type: onnx.Float, Shape: []int64{-1, 128}}, image.output[0],
	}
	return g
}

// asJSON encodes a small file.
func asJSON(t *testing.T, content any) *fstest.MapFile {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: text}
}

type object = map[string]any

// wordTokenizer is the demo's list of words as a tokenizer.json, with what lies beside
// it, under a folder.
func wordTokenizer(t *testing.T, folder string) fstest.MapFS {
	t.Helper()
	demo, err := models.Folder(models.CLIP)
	if err != nil {
		t.Fatal(err)
	}
	list, err := fs.ReadFile(demo, "words.txt")
	if err != nil {
		t.Fatal(err)
	}
	vocabulary := map[string]int{"[PAD]": 0, "[UNK]": 1}
	for i, word := range strings.Fields(strings.TrimPrefix(string(list), "# words\n")) {
		vocabulary[word] = 2 + i
	}
	special := func(id int, content string) object {
		return object{"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}
	}
	return fstest.MapFS{
		folder + "tokenizer.json": asJSON(t, object{
			"version": "1.0", "truncation": nil, "padding": nil, "post_processor": nil, "decoder": nil,
			"added_tokens":  []object{special(0, "[PAD]"), special(1, "[UNK]")},
			"normalizer":    object{"type": "Lowercase"},
			"pre_tokenizer": object{"type": "Split", "pattern": object{"Regex": `[\p{L}\p{Nd}]+`}, "behavior": "Removed", "invert": true},
			"model":         object{"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
		}),
		folder + "tokenizer_config.json": asJSON(t, object{"pad_token": "[PAD]", "model_max_length": 40}),
	}
}
