package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"engram/data/half"
)

// dtype is the type of an array's elements.
type dtype struct {
	kind byte // 'b' boolean, 'i' signed, 'u' unsigned, 'f' floating point
	size int  // bytes of one element
	big  bool // most significant byte first
}

// parseDtype reads a type as NumPy spells it, such as "<f4".
func parseDtype(name string) (dtype, error) {
	if name == "" {
		return dtype{}, fmt.Errorf("type %q is not known", name)
	}
	order, code := name[0], name[1:]
	d := dtype{big: order == '>'}
	switch code {
	case "b1", "i1", "u1", "i2", "u2", "f2", "i4", "u4", "f4", "i8", "u8", "f8":
		d.kind, d.size = code[0], int(code[1]-'0')
	case "O":
		return d, fmt.Errorf("type %q holds Python objects, which are not read: wanted numbers", name)
	default:
		return d, fmt.Errorf("type %q is not read, wanted booleans, integers or real floating-point numbers", name)
	}
	if order == '<' || order == '>' || order == '|' && d.size == 1 {
		return d, nil
	}
	return d, fmt.Errorf("type %q does not say its byte order", name)
}

// String returns NumPy's name of the type, such as "float32".
func (d dtype) String() string {
	switch d.kind {
	case 'b':
		return "bool"
	case 'i':
		return "int" + strconv.Itoa(8*d.size)
	case 'u':
		return "uint" + strconv.Itoa(8*d.size)
	}
	return "float" + strconv.Itoa(8*d.size)
}

// order returns the byte order of the type.
func (d dtype) order() binary.ByteOrder {
	if d.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// float32s converts len(dst) elements from their bytes.
func (d dtype) float32s(dst []float32, raw []byte) error {
	order := d.order()
	switch {
	case d.kind == 'f' && d.size == 4:
		_, err := binary.Decode(raw, order, dst)
		return err
	case d.kind == 'f' && d.size == 2 && !d.big:
		half.Float32s(dst, raw)
		return nil
	}
	one := d.float32At(order)
	for i := range dst {
		dst[i] = one(raw[i*d.size:])
	}
	return nil
}

// float32At returns the conversion of the element at the front of a slice.
func (d dtype) float32At(order binary.ByteOrder) func([]byte) float32 {
	switch (dtype{kind: d.kind, size: d.size}) {
	case dtype{kind: 'b', size: 1}:
		return func(b []byte) float32 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}
	case dtype{kind: 'i', size: 1}:
		return func(b []byte) float32 { return float32(int8(b[0])) }
	case dtype{kind: 'i', size: 2}:
		return func(b []byte) float32 { return float32(int16(order.Uint16(b))) }
	case dtype{kind: 'i', size: 4}:
		return func(b []byte) float32 { return float32(int32(order.Uint32(b))) }
	case dtype{kind: 'i', size: 8}:
		return func(b []byte) float32 { return float32(int64(order.Uint64(b))) }
	case dtype{kind: 'u', size: 1}:
		return func(b []byte) float32 { return float32(b[0]) }
	case dtype{kind: 'u', size: 2}:
		return func(b []byte) float32 { return float32(order.Uint16(b)) }
	case dtype{kind: 'u', size: 4}:
		return func(b []byte) float32 { return float32(order.Uint32(b)) }
	case dtype{kind: 'u', size: 8}:
		return func(b []byte) float32 { return float32(order.Uint64(b)) }
	case dtype{kind: 'f', size: 2}:
		return func(b []byte) float32 { return half.Float32(order.Uint16(b)) }
	case dtype{kind: 'f', size: 4}:
		return func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }
	}
	return func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }
}
