package ort

import (
	"io"
	"slices"

	"engram/embed/internal/message"
	"engram/embed/onnx"

	"google.golang.org/protobuf/encoding/protowire"
)

// readSignature returns the inputs and outputs that an ONNX file of size bytes
// declares, in its order, without reading its weights. Constants that old files
// list among the inputs are left out, as ONNX Runtime does. A value without a
// declared shape has a nil Shape, one that is no tensor has type 0.
//
// The names are needed before a session is made; asking ONNX Runtime for them
// would mean loading the model twice. The field numbers come from
// onnx.proto (ONNX IR version 10).
func readSignature(r io.ReaderAt, size int64) (inputs, outputs []Spec, err error) {
	const modelGraph = 7
	found := false
	err = message.Walk(r, message.Section{Start: 0, End: size}, func(field protowire.Number, body message.Section, _ uint64) error {
		if field != modelGraph {
			return nil
		}
		found = true
		inputs, outputs, err = readGraph(r, body)
		return err
	})
	if err == nil && !found {
		err = message.ErrWire
	}
	return inputs, outputs, err
}

// readGraph reads the interface of a GraphProto.
func readGraph(r io.ReaderAt, graph message.Section) (inputs, outputs []Spec, err error) {
	const graphInitializer, graphInput, graphOutput = 5, 11, 12
	constants := make(map[string]bool)
	err = message.Walk(r, graph, func(field protowire.Number, body message.Section, _ uint64) error {
		switch field {
		case graphInitializer:
			name, err := message.Field(r, body, 8)
			constants[name] = true
			return err
		case graphInput:
			spec, err := readValue(r, body)
			inputs = append(inputs, spec)
			return err
		case graphOutput:
			spec, err := readValue(r, body)
			outputs = append(outputs, spec)
			return err
		}
		return nil
	})
	inputs = slices.DeleteFunc(inputs, func(s Spec) bool { return constants[s.Name] })
	return inputs, outputs, err
}

// readValue reads a ValueInfoProto: name (1) and type (2). The tensor type (1) within
// the type has the element type (1) and the shape (2).
func readValue(r io.ReaderAt, value message.Section) (Spec, error) {
	var spec Spec
	err := message.Walk(r, value, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		switch field {
		case 1:
			spec.Name, err = message.String(r, body)
		case 2:
			err = message.Walk(r, body, func(field protowire.Number, body message.Section, _ uint64) error {
				if field != 1 {
					return nil
				}
				return message.Walk(r, body, func(field protowire.Number, body message.Section, v uint64) (err error) {
					switch field {
					case 1:
						spec.Type = onnx.ElemType(v)
					case 2:
						spec.Shape, err = readShape(r, body)
					}
					return err
				})
			})
		}
		return err
	})
	return spec, err
}

// readShape reads a TensorShapeProto. A dimension that has no value (1), only
// a name or nothing, is -1.
func readShape(r io.ReaderAt, shape message.Section) ([]int64, error) {
	dims := []int64{}
	err := message.Walk(r, shape, func(field protowire.Number, body message.Section, _ uint64) error {
		if field != 1 {
			return nil
		}
		dim := int64(-1)
		err := message.Walk(r, body, func(field protowire.Number, _ message.Section, v uint64) error {
			if field == 1 {
				dim = max(-1, int64(v))
			}
			return nil
		})
		dims = append(dims, dim)
		return err
	})
	return dims, err
}
