package pretrain

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"engram/embed/grad"
	"engram/embed/onnx"
)

// exportFiles returns the model files of graphs: for each file its outputs by name.
func exportFiles(values map[string][]float32, files map[string]map[string]*grad.Node) (map[string][]byte, error) {
	out := map[string][]byte{}
	for file, outputs := range files {
		content, err := grad.Export(outputs, values)
		if err == nil {
			out[file], err = halve(content)
		}
		if err != nil {
			return nil, fmt.Errorf("pretrain: %s: %w", file, err)
		}
	}
	return out, nil
}

// minHalved is the number of elements from which on a constant is halved:
// biases, gains and numbers are few and stay exact.
const minHalved = 1024

// Fields of the protobuf messages of ONNX (onnx.proto, IR version 10).
const (
	modelGraph  protowire.Number = 7
	graphNode   protowire.Number = 1
	graphTensor protowire.Number = 5

	tensorDims protowire.Number = 1
	tensorType protowire.Number = 2
	tensorName protowire.Number = 8
	tensorRaw  protowire.Number = 9
)

// halve rewrites a model so that its large float32 constants are stored as
// float16, each followed by a Cast, which ONNX Runtime folds when it loads the
// model: the file is half as large, and inputs, outputs and arithmetic stay
// float32.
func halve(model []byte) ([]byte, error) {
	return rewrite(model, func(field protowire.Number, value, encoded []byte) ([]byte, error) {
		if field != modelGraph {
			return encoded, nil
		}
		var casts []byte
		rest, err := rewrite(value, func(field protowire.Number, value, encoded []byte) ([]byte, error) {
			if field != graphTensor {
				return encoded, nil
			}
			t, err := parseTensor(value)
			if err != nil || t.kind != int64(onnx.Float) || len(t.raw) < 4*minHalved {
				return encoded, err
			}
			casts = appendField(casts, graphNode, castNode(t.name+halfSuffix, t.name))
			return appendField(nil, graphTensor, t.halved()), nil
		})
		// The nodes of a graph are in topological order: the casts come first.
		return appendField(nil, modelGraph, append(casts, rest...)), err
	})
}

// halfSuffix makes the name of a halved constant, which no other value has:
// names of parameters have no colon, and the others end in a number.
const halfSuffix = ":half"

// tensor is a TensorProto with raw data.
type tensor struct {
	name string
	kind int64
	dims []byte // its fields, as they were
	raw  []byte
}

func parseTensor(message []byte) (tensor, error) {
	var t tensor
	_, err := rewrite(message, func(field protowire.Number, value, encoded []byte) ([]byte, error) {
		switch field {
		case tensorDims:
			t.dims = append(t.dims, encoded...)
		case tensorType:
			kind, _ := protowire.ConsumeVarint(value) // rewrite has read it
			t.kind = int64(kind)
		case tensorName:
			t.name = string(value)
		case tensorRaw:
			t.raw = value
		}
		return nil, nil
	})
	return t, err
}

// halved returns the tensor in half precision.
func (t tensor) halved() []byte {
	b := protowire.AppendTag(t.dims, tensorType, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(onnx.Float16))
	b = appendField(b, tensorName, []byte(t.name+halfSuffix))
	return appendField(b, tensorRaw, halved(t.raw))
}

// castNode returns a NodeProto that casts in to float32.
func castNode(in, out string) []byte {
	const input, output, op, attribute = 1, 2, 4, 5
	const name, number, kind, kindInt = 1, 3, 20, 2
	attr := appendField(nil, name, []byte("to"))
	attr = protowire.AppendVarint(protowire.AppendTag(attr, number, protowire.VarintType), uint64(onnx.Float))
	attr = protowire.AppendVarint(protowire.AppendTag(attr, kind, protowire.VarintType), kindInt)
	b := appendField(nil, input, []byte(in))
	b = appendField(b, output, []byte(out))
	b = appendField(b, op, []byte("Cast"))
	return appendField(b, attribute, attr)
}

func appendField(b []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), value)
}

// rewrite replaces every field of a message by what replace returns for it.
// value is the field's content: of a length-delimited one what the length
// counts, else the encoded number; encoded is the field with its tag.
func rewrite(message []byte, replace func(field protowire.Number, value, encoded []byte) ([]byte, error)) ([]byte, error) {
	var out []byte
	for len(message) > 0 {
		field, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		n := protowire.ConsumeFieldValue(field, kind, message[tag:])
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		value, encoded := message[tag:tag+n], message[:tag+n]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		b, err := replace(field, value, encoded)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
		message = message[tag+n:]
	}
	return out, nil
}
