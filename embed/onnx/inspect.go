package onnx

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"engram/embed/internal/message"

	"google.golang.org/protobuf/encoding/protowire"
)

// Signature is what an ONNX file says of itself without its weights.
type Signature struct {
	IR       int64            // version of the file format
	Producer string           // the program that wrote the file
	Opsets   map[string]int64 // operator sets: domain → version; "" is the standard one
	// Inputs has what a run must give: constants that old files list among the inputs
	// are left out, as ONNX Runtime does.
	Inputs  []Value
	Outputs []Value
	// Operators are the types of all nodes, nested graphs and functions of the file
	// included, each once, sorted by domain and name.
	Operators []Operator
	// Functions are the operators that the file itself defines.
	Functions []Operator
	// Half says that constants of half precision (float16) are in the graph or in a
	// Constant node of it.
	Half bool
}

// Operator names a type of node.
type Operator struct {
	Domain string // "" is the standard one
	Type   string
}

// String returns "Type" for a standard operator, else "domain.Type".
func (o Operator) String() string {
	if o.Domain == "" {
		return o.Type
	}
	return o.Domain + "." + o.Type
}

// compare orders operators by domain and type.
func (o Operator) compare(p Operator) int {
	return cmp.Or(cmp.Compare(o.Domain, p.Domain), cmp.Compare(o.Type, p.Type))
}

// Field numbers of onnx.proto (ONNX IR version 10).
const (
	modelIR, modelProducer, modelGraph, modelOpset, modelFunction = 1, 2, 7, 8, 25

	graphNode, graphInitializer, graphInput, graphOutput, graphValue = 1, 5, 11, 12, 13
	graphSparse                                                      = 15

	nodeInput, nodeOutput, nodeType, nodeAttribute, nodeDomain = 1, 2, 4, 5, 7

	attributeGraph, attributeGraphs = 6, 11
	functionName, functionNode      = 1, 7
	functionDomain                  = 10
	attributeTensor                 = 5
	tensorType, tensorName          = 2, 8
	valueName, valueType            = 1, 2
)

// Inspect reads the signature of an ONNX file of size bytes. Weights are not read.
// A value without a declared shape has a nil Shape, one that is no tensor has type 0.
// Bytes that are no ONNX model are an error that wraps ErrNoModel.
func Inspect(r io.ReaderAt, size int64) (Signature, error) {
	s := Signature{Opsets: make(map[string]int64)}
	found := false
	err := message.Walk(r, message.Section{End: size}, func(field protowire.Number, body message.Section, value uint64) (err error) {
		switch field {
		case modelIR:
			s.IR = int64(value)
		case modelProducer:
			s.Producer, err = message.String(r, body)
		case modelOpset:
			err = s.readOpset(r, body)
		case modelGraph:
			found = true
			if err = s.readGraph(r, body); err == nil {
				err = s.readOperators(r, body, graphNode, 0)
			}
		case modelFunction:
			err = s.readFunction(r, body)
		}
		return err
	})
	if err == nil && !found {
		err = message.ErrWire
	}
	if err != nil {
		return Signature{}, err
	}
	s.Operators = sortedOperators(s.Operators)
	s.Functions = sortedOperators(s.Functions)
	return s, nil
}

// ErrNoModel reports bytes that are no ONNX model.
var ErrNoModel = message.ErrWire

func sortedOperators(list []Operator) []Operator {
	slices.SortFunc(list, Operator.compare)
	return slices.Compact(list)
}

// readOpset reads an OperatorSetIdProto: domain (1) and version (2).
func (s *Signature) readOpset(r io.ReaderAt, opset message.Section) error {
	domain, version := "", int64(0)
	err := message.Walk(r, opset, func(field protowire.Number, body message.Section, value uint64) (err error) {
		switch field {
		case 1:
			domain, err = message.String(r, body)
		case 2:
			version = int64(value)
		}
		return err
	})
	s.Opsets[standardDomain(domain)] = version
	return err
}

// standardDomain returns "" for both spellings of the standard domain.
func standardDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// readGraph reads the inputs and outputs of a GraphProto.
func (s *Signature) readGraph(r io.ReaderAt, graph message.Section) error {
	constants := make(map[string]bool)
	err := message.Walk(r, graph, func(field protowire.Number, body message.Section, _ uint64) error {
		switch field {
		case graphInitializer:
			name, err := message.Field(r, body, tensorName)
			constants[name] = true
			if err != nil {
				return err
			}
			return s.readElement(r, body)
		case graphSparse:
			name, err := sparseName(r, body)
			constants[name] = true
			return err
		case graphInput:
			v, err := readValue(r, body)
			s.Inputs = append(s.Inputs, v)
			return err
		case graphOutput:
			v, err := readValue(r, body)
			s.Outputs = append(s.Outputs, v)
			return err
		}
		return nil
	})
	s.Inputs = slices.DeleteFunc(s.Inputs, func(v Value) bool { return constants[v.Name] })
	return err
}

// sparseName returns the name of a SparseTensorProto: the name of its values (1).
func sparseName(r io.ReaderAt, sparse message.Section) (name string, err error) {
	err = message.Walk(r, sparse, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		if field == 1 {
			name, err = message.Field(r, body, tensorName)
		}
		return err
	})
	return name, err
}

// readFunction reads a FunctionProto: an operator that the file defines, and the
// operators in it.
func (s *Signature) readFunction(r io.ReaderAt, function message.Section) error {
	var o Operator
	err := message.Walk(r, function, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		switch field {
		case functionName:
			o.Type, err = message.String(r, body)
		case functionDomain:
			o.Domain, err = message.String(r, body)
		}
		return err
	})
	if err != nil {
		return err
	}
	o.Domain = standardDomain(o.Domain)
	s.Functions = append(s.Functions, o)
	return s.readOperators(r, function, functionNode, 0)
}

// readOperators gathers the types of the nodes in the given field of a graph or
// function, and of the graphs nested in them.
func (s *Signature) readOperators(r io.ReaderAt, body message.Section, nodes protowire.Number, depth int) error {
	if depth > maxDepth {
		return message.ErrWire
	}
	return message.Walk(r, body, func(field protowire.Number, node message.Section, _ uint64) error {
		if field != nodes {
			return nil
		}
		var o Operator
		err := message.Walk(r, node, func(field protowire.Number, body message.Section, _ uint64) (err error) {
			switch field {
			case nodeType:
				o.Type, err = message.String(r, body)
			case nodeDomain:
				o.Domain, err = message.String(r, body)
			case nodeAttribute:
				err = s.readAttribute(r, body, depth)
			}
			return err
		})
		o.Domain = standardDomain(o.Domain)
		s.Operators = append(s.Operators, o)
		if len(s.Operators) >= 1<<12 {
			s.Operators = sortedOperators(s.Operators)
		}
		return err
	})
}

// readAttribute reads the graphs and the tensor in an AttributeProto.
func (s *Signature) readAttribute(r io.ReaderAt, attribute message.Section, depth int) error {
	err := nestedGraphs(r, attribute, func(graph message.Section) error {
		return s.readOperators(r, graph, graphNode, depth+1)
	})
	if err != nil {
		return err
	}
	return message.Walk(r, attribute, func(field protowire.Number, body message.Section, _ uint64) error {
		if field != attributeTensor {
			return nil
		}
		return s.readElement(r, body)
	})
}

// readElement notes the element type of a TensorProto.
func (s *Signature) readElement(r io.ReaderAt, tensor message.Section) error {
	return message.Walk(r, tensor, func(field protowire.Number, _ message.Section, value uint64) error {
		if field == tensorType && ElemType(value) == Float16 {
			s.Half = true
		}
		return nil
	})
}

// nestedGraphs calls visit for each graph in an AttributeProto.
func nestedGraphs(r io.ReaderAt, attribute message.Section, visit func(message.Section) error) error {
	return message.Walk(r, attribute, func(field protowire.Number, body message.Section, _ uint64) error {
		if field == attributeGraph || field == attributeGraphs {
			return visit(body)
		}
		return nil
	})
}

// readValue reads a ValueInfoProto. The tensor type (1) within the type has the
// element type (1) and the shape (2).
func readValue(r io.ReaderAt, value message.Section) (Value, error) {
	var v Value
	err := message.Walk(r, value, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		switch field {
		case valueName:
			v.Name, err = message.String(r, body)
		case valueType:
			err = message.Walk(r, body, func(field protowire.Number, body message.Section, _ uint64) error {
				if field != 1 {
					return nil
				}
				return v.readTensorType(r, body)
			})
		}
		return err
	})
	return v, err
}

func (v *Value) readTensorType(r io.ReaderAt, tensor message.Section) error {
	return message.Walk(r, tensor, func(field protowire.Number, body message.Section, value uint64) (err error) {
		switch field {
		case 1:
			v.Type = ElemType(value)
		case 2:
			v.Shape, v.Dims, err = readShape(r, body)
		}
		return err
	})
}

// maxRank bounds the dimensions of a shape.
const maxRank = 1 << 10

// readShape reads a TensorShapeProto. A dimension that has no value (1), only
// a name (2) or nothing, is -1.
func readShape(r io.ReaderAt, shape message.Section) (sizes []int64, names []string, err error) {
	sizes, names = []int64{}, []string{}
	err = message.Walk(r, shape, func(field protowire.Number, body message.Section, _ uint64) error {
		if field != 1 {
			return nil
		}
		if len(sizes) == maxRank {
			return fmt.Errorf("a shape of more than %d dimensions: %w", maxRank, message.ErrWire)
		}
		size, name := int64(-1), ""
		err := message.Walk(r, body, func(field protowire.Number, body message.Section, value uint64) (err error) {
			switch field {
			case 1:
				size = max(-1, int64(value))
			case 2:
				name, err = message.String(r, body)
			}
			return err
		})
		sizes, names = append(sizes, size), append(names, name)
		return err
	})
	return sizes, names, err
}
