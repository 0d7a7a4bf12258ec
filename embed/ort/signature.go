package ort

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"engram/embed/onnx"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxName bounds the names that readSignature takes from a file, in bytes.
const maxName = 1 << 12

// errNotModel reports bytes that are not a ModelProto.
var errNotModel = errors.New("it is not an ONNX model")

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
	err = walk(r, section{0, size}, func(field protowire.Number, body section, _ uint64) error {
		if field != modelGraph {
			return nil
		}
		found = true
		inputs, outputs, err = readGraph(r, body)
		return err
	})
	if err == nil && !found {
		err = errNotModel
	}
	return inputs, outputs, err
}

// readGraph reads the interface of a GraphProto.
func readGraph(r io.ReaderAt, graph section) (inputs, outputs []Spec, err error) {
	const graphInitializer, graphInput, graphOutput = 5, 11, 12
	constants := make(map[string]bool)
	err = walk(r, graph, func(field protowire.Number, body section, _ uint64) error {
		switch field {
		case graphInitializer:
			name, err := readField(r, body, 8)
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
func readValue(r io.ReaderAt, value section) (Spec, error) {
	var spec Spec
	err := walk(r, value, func(field protowire.Number, body section, _ uint64) (err error) {
		switch field {
		case 1:
			spec.Name, err = readString(r, body)
		case 2:
			err = walk(r, body, func(field protowire.Number, body section, _ uint64) error {
				if field != 1 {
					return nil
				}
				return walk(r, body, func(field protowire.Number, body section, v uint64) (err error) {
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
func readShape(r io.ReaderAt, shape section) ([]int64, error) {
	dims := []int64{}
	err := walk(r, shape, func(field protowire.Number, body section, _ uint64) error {
		if field != 1 {
			return nil
		}
		dim := int64(-1)
		err := walk(r, body, func(field protowire.Number, _ section, v uint64) error {
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

// readField returns the string in a field of a message, "" where it has none.
func readField(r io.ReaderAt, message section, want protowire.Number) (s string, err error) {
	err = walk(r, message, func(field protowire.Number, body section, _ uint64) (err error) {
		if field == want {
			s, err = readString(r, body)
		}
		return err
	})
	return s, err
}

func readString(r io.ReaderAt, s section) (string, error) {
	if s.end-s.start > maxName {
		return "", fmt.Errorf("byte %d: a name of %d bytes: %w", s.start, s.end-s.start, errNotModel)
	}
	b := make([]byte, s.end-s.start)
	if n, err := r.ReadAt(b, s.start); n < len(b) {
		return "", err
	}
	return string(b), nil
}

// section is the part [start, end) of a file.
type section struct{ start, end int64 }

// walk calls visit for each field of the protobuf message in s: with the
// section of its bytes for a length-delimited field, with the value for a
// varint. Bodies are skipped, not read.
func walk(r io.ReaderAt, s section, visit func(protowire.Number, section, uint64) error) error {
	var buf [2 * binary.MaxVarintLen64]byte // a tag and a length or value
	for at := s.start; at < s.end; {
		head := buf[:min(int64(len(buf)), s.end-at)]
		if n, err := r.ReadAt(head, at); n < len(head) {
			return err
		}
		field, kind, n := protowire.ConsumeTag(head)
		if n < 0 {
			return fmt.Errorf("byte %d: %w", at, errNotModel)
		}
		var value uint64
		var length uint64
		m := 0
		switch kind {
		case protowire.VarintType:
			value, m = protowire.ConsumeVarint(head[n:])
		case protowire.BytesType:
			length, m = protowire.ConsumeVarint(head[n:])
		case protowire.Fixed32Type:
			length = 4
		case protowire.Fixed64Type:
			length = 8
		default:
			m = -1
		}
		if m < 0 {
			return fmt.Errorf("byte %d: %w", at, errNotModel)
		}
		body := at + int64(n+m)
		if length > uint64(s.end-body) {
			return fmt.Errorf("byte %d: a field of %d bytes where %d are left: %w", at, length, s.end-body, errNotModel)
		}
		at = body + int64(length)
		if err := visit(field, section{body, at}, value); err != nil {
			return err
		}
	}
	return nil
}
