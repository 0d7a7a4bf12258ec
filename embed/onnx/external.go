package onnx

import (
	"cmp"
	"io"
	"slices"

	"engram/embed/internal/message"

	"google.golang.org/protobuf/encoding/protowire"
)

// External returns the names of the files in which an ONNX file of size bytes
// keeps weights of its own (external data), as it writes them, sorted, each once.
// They are relative to the folder of the ONNX file. Weights are not read.
//
// torch.onnx.export writes such files, and every model above 2 GB has them. The
// field numbers come from onnx.proto (ONNX IR version 10).
func External(r io.ReaderAt, size int64) ([]string, error) {
	s := externals{r: r}
	err := s.in(message.Section{End: size}, model)
	slices.Sort(s.names)
	return slices.Compact(s.names), err
}

// kind is a type of message in an ONNX file that may hold tensors.
type kind int

const (
	model kind = iota
	training
	function
	graph
	node
	attribute
	sparse
	tensor
)

// holds lists the fields of a message that hold further messages, with their kind.
var holds = map[kind]map[protowire.Number]kind{
	model:     {7: graph, 20: training, 25: function},
	training:  {1: graph, 2: graph},
	function:  {7: node},
	graph:     {1: node, 5: tensor, 15: sparse},
	node:      {5: attribute},
	attribute: {5: tensor, 6: graph, 10: tensor, 11: graph, 22: sparse, 23: sparse},
	sparse:    {1: tensor, 2: tensor},
}

// maxDepth bounds graphs in each other.
const maxDepth = 100

// externals gathers names of files.
type externals struct {
	r     io.ReaderAt
	names []string
	depth int
}

// in looks through a message of a kind.
func (s *externals) in(body message.Section, k kind) error {
	if k == tensor {
		return s.inTensor(body)
	}
	if s.depth++; s.depth > maxDepth {
		return message.ErrWire
	}
	defer func() { s.depth-- }()
	return message.Walk(s.r, body, func(field protowire.Number, body message.Section, _ uint64) error {
		inner, ok := holds[k][field]
		if !ok {
			return nil
		}
		return s.in(body, inner)
	})
}

// inTensor notes the location of a tensor whose data lie outside (data_location
// 14 is EXTERNAL, 1; external_data 13 has keys, 1, and values, 2).
func (s *externals) inTensor(body message.Section) error {
	location, outside := "", false
	err := message.Walk(s.r, body, func(field protowire.Number, body message.Section, value uint64) error {
		switch field {
		case 13:
			key, err := message.Field(s.r, body, 1)
			if err != nil || key != "location" {
				return err
			}
			location, err = message.Field(s.r, body, 2)
			return err
		case 14:
			outside = value == 1
		}
		return nil
	})
	if err == nil && outside {
		s.names = append(s.names, cmp.Or(location, "(no location)"))
	}
	return err
}
