package onnx

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxBytes is the largest message that protobuf allows.
const maxBytes = math.MaxInt32

// Marshal returns the bytes of a model that holds g. It fails where a
// constant's data does not fit its type and shape, an attribute has an
// unknown type, or the model would exceed protobuf's limit of 2 GiB.
func Marshal(g *Graph) ([]byte, error) {
	if n := g.dataBytes(); n > maxBytes { // before anything is copied
		return nil, tooLarge(g, n)
	}
	body, err := g.marshal()
	if err != nil {
		return nil, fmt.Errorf("onnx: graph %q: %w", g.Name, err)
	}
	var b []byte
	b = appendInt(b, 1, IRVersion)
	b = appendString(b, 2, "engram")
	b = appendBytes(b, 7, body)
	domains := g.domains()
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		var opset []byte
		opset = appendString(opset, 1, domain)
		opset = appendInt(opset, 2, domains[domain])
		b = appendBytes(b, 8, opset)
	}
	if len(b) > maxBytes {
		return nil, tooLarge(g, int64(len(b)))
	}
	return b, nil
}

func tooLarge(g *Graph, n int64) error {
	return fmt.Errorf("onnx: graph %q takes %d bytes, a model file holds at most %d", g.Name, n, maxBytes)
}

// graphs calls f with g and every graph nested in it.
func (g *Graph) graphs(f func(*Graph)) {
	f(g)
	for _, n := range g.Nodes {
		for _, a := range n.Attrs {
			if body, ok := a.Value.(*Graph); ok {
				body.graphs(f)
			}
		}
	}
}

// dataBytes returns the size of all constants.
func (g *Graph) dataBytes() int64 {
	var sum int64
	g.graphs(func(g *Graph) {
		for _, t := range g.Consts {
			sum += int64(max(binary.Size(t.Data), 0))
		}
	})
	return sum
}

// domains returns the operator sets that g and its nested graphs use, with
// their versions: 1 for all but the standard one, which is the only version that
// ONNX Runtime's own domain has.
func (g *Graph) domains() map[string]int64 {
	versions := map[string]int64{}
	g.graphs(func(g *Graph) {
		for _, n := range g.Nodes {
			versions[n.Domain] = 1
		}
	})
	versions[""] = Opset
	return versions
}

// marshal writes a GraphProto.
func (g *Graph) marshal() ([]byte, error) {
	var b []byte
	for i, n := range g.Nodes {
		node, err := n.marshal()
		if err != nil {
			return nil, fmt.Errorf("node %d (%s): %w", i, n.Op, err)
		}
		b = appendBytes(b, 1, node)
	}
	b = appendString(b, 2, g.Name)
	for _, t := range g.Consts {
		tensor, err := t.marshal()
		if err != nil {
			return nil, fmt.Errorf("constant %q: %w", t.Name, err)
		}
		b = appendBytes(b, 5, tensor)
	}
	for _, v := range g.Inputs {
		b = appendBytes(b, 11, v.marshal())
	}
	for _, v := range g.Outputs {
		b = appendBytes(b, 12, v.marshal())
	}
	return b, nil
}

// marshal writes a NodeProto.
func (n Node) marshal() ([]byte, error) {
	var b []byte
	for _, name := range n.Inputs {
		b = appendString(b, 1, name)
	}
	for _, name := range n.Outputs {
		b = appendString(b, 2, name)
	}
	b = appendString(b, 4, n.Op)
	for _, a := range n.Attrs {
		attr, err := a.marshal()
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
		b = appendBytes(b, 5, attr)
	}
	if n.Domain != "" {
		b = appendString(b, 7, n.Domain)
	}
	return b, nil
}

// The numbers of AttributeProto.AttributeType.
const (
	attrFloat  = 1
	attrInt    = 2
	attrString = 3
	attrTensor = 4
	attrGraph  = 5
	attrFloats = 6
	attrInts   = 7
)

// marshal writes an AttributeProto.
func (a Attr) marshal() ([]byte, error) {
	b := appendString(nil, 1, a.Name)
	var kind int64
	switch v := a.Value.(type) {
	case float32:
		kind = attrFloat
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(v))
	case int64:
		kind = attrInt
		b = appendInt(b, 3, v)
	case string:
		kind = attrString
		b = appendString(b, 4, v)
	case Tensor:
		kind = attrTensor
		tensor, err := v.marshal()
		if err != nil {
			return nil, err
		}
		b = appendBytes(b, 5, tensor)
	case *Graph:
		kind = attrGraph
		graph, err := v.marshal()
		if err != nil {
			return nil, err
		}
		b = appendBytes(b, 6, graph)
	case []float32:
		kind = attrFloats
		for _, x := range v {
			b = protowire.AppendTag(b, 7, protowire.Fixed32Type)
			b = protowire.AppendFixed32(b, math.Float32bits(x))
		}
	case []int64:
		kind = attrInts
		for _, x := range v {
			b = appendInt(b, 8, x)
		}
	default:
		return nil, fmt.Errorf("has a value of type %T, which no attribute takes", a.Value)
	}
	return appendInt(b, 20, kind), nil
}

// marshal writes a ValueInfoProto.
func (v Value) marshal() []byte {
	var shape []byte
	for i, n := range v.Shape {
		var dim []byte
		switch {
		case n >= 0:
			dim = appendInt(nil, 1, n)
		case i < len(v.Dims) && v.Dims[i] != "":
			dim = appendString(nil, 2, v.Dims[i])
		default:
			dim = appendString(nil, 2, fmt.Sprintf("%s_dim%d", v.Name, i))
		}
		shape = appendBytes(shape, 1, dim)
	}
	tensorType := appendInt(nil, 1, int64(v.Type))
	tensorType = appendBytes(tensorType, 2, shape)
	return appendBytes(appendString(nil, 1, v.Name), 2, appendBytes(nil, 1, tensorType))
}

// marshal writes a TensorProto whose data is raw_data, little-endian.
func (t Tensor) marshal() ([]byte, error) {
	raw, err := t.raw()
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, n := range t.Shape {
		b = appendInt(b, 1, n)
	}
	b = appendInt(b, 2, int64(t.Type))
	b = appendString(b, 8, t.Name)
	return appendBytes(b, 9, raw), nil
}

// raw returns the elements as little-endian bytes.
func (t Tensor) raw() ([]byte, error) {
	var want ElemType
	size := int64(4) // bytes of an element
	switch t.Data.(type) {
	case []float32:
		want = Float
	case []int32:
		want = Int32
	case []int64:
		want, size = Int64, 8
	case []bool:
		want, size = Bool, 1
	case []byte:
		want, size = Uint8, 1
		if t.Type == Float16 {
			want, size = Float16, 2
		}
	default:
		return nil, fmt.Errorf("has data of type %T, which no element type has", t.Data)
	}
	if t.Type != want {
		return nil, fmt.Errorf("has element type %d and data of type %T", t.Type, t.Data)
	}
	for _, n := range t.Shape {
		if n < 0 || n > 0 && size > maxBytes/n {
			return nil, fmt.Errorf("shape %v does not fit a constant of at most %d bytes", t.Shape, maxBytes)
		}
		size *= n
	}
	if have := int64(binary.Size(t.Data)); have != size {
		return nil, fmt.Errorf("shape %v takes %d bytes, its data has %d", t.Shape, size, have)
	}
	return binary.Append(nil, binary.LittleEndian, t.Data)
}

func appendInt(b []byte, field protowire.Number, v int64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}
