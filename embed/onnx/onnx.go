package onnx

import (
	"fmt"
	"strings"
)

// IRVersion and Opset are what every written model declares: the IR that came
// with ONNX 1.16 and the operator set 20 (the first with Gelu).
const (
	IRVersion = 10
	Opset     = 20
)

// ElemType is the element type of a tensor, with the numbers of
// TensorProto.DataType.
type ElemType int32

// The element types in use.
const (
	Float   ElemType = 1
	Uint8   ElemType = 2
	Int32   ElemType = 6
	Int64   ElemType = 7
	Bool    ElemType = 9
	Float16 ElemType = 10
)

// String returns the name of an element type, its number where it has none.
func (t ElemType) String() string {
	switch t {
	case 0:
		return "no tensor"
	case Float:
		return "float32"
	case Uint8:
		return "uint8"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Bool:
		return "bool"
	case Float16:
		return "float16"
	}
	return fmt.Sprintf("element type %d", int32(t))
}

// Value declares a graph input or output. A dimension of -1 is symbolic: it
// may be anything when the model runs. Dims has the names of symbolic dimensions, ""
// for the others; where it is nil, Marshal makes names up.
type Value struct {
	Name  string
	Type  ElemType
	Shape []int64
	Dims  []string
}

// String returns the name, type and shape, such as "pixels float32[batch,3,224,224]".
func (v Value) String() string {
	if v.Shape == nil {
		return v.Name + " " + v.Type.String()
	}
	dims := make([]string, len(v.Shape))
	for i, n := range v.Shape {
		switch {
		case n >= 0:
			dims[i] = fmt.Sprint(n)
		case i < len(v.Dims) && v.Dims[i] != "":
			dims[i] = v.Dims[i]
		default:
			dims[i] = "?"
		}
	}
	return v.Name + " " + v.Type.String() + "[" + strings.Join(dims, ",") + "]"
}

// Tensor is a constant. Data is []float32, []int64, []int32 or []bool, or
// []byte for uint8 elements and for float16 elements as raw little-endian bits.
type Tensor struct {
	Name  string
	Type  ElemType
	Shape []int64
	Data  any
}

// Node is one operator. Inputs and outputs are names of values; "" leaves an
// optional input out. Domain "" is the standard operator set.
type Node struct {
	Op      string
	Domain  string
	Inputs  []string
	Outputs []string
	Attrs   []Attr
}

// Attr is an attribute. Value is int64, float32, string, []int64, []float32,
// Tensor or *Graph.
type Attr struct {
	Name  string
	Value any
}

// Graph is a list of nodes in topological order. The body of a Loop may refer
// to values of the graph around it by name.
type Graph struct {
	Name    string
	Nodes   []Node
	Inputs  []Value
	Outputs []Value
	Consts  []Tensor
}
