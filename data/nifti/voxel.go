package nifti

import (
	"encoding/binary"
	"fmt"
	"math"
)

// voxelType is one of the types that a voxel can have.
type voxelType struct {
	name  string
	size  int // bytes
	value func(b []byte, order binary.ByteOrder) float64
}

// setType takes the field datatype; codes as in nifti1.h.
func (h *header) setType(code uint16) error {
	switch code {
	case 2:
		h.voxelType = voxelType{"uint8", 1, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }}
	case 256:
		h.voxelType = voxelType{"int8", 1, func(b []byte, _ binary.ByteOrder) float64 { return float64(int8(b[0])) }}
	case 512:
		h.voxelType = voxelType{"uint16", 2, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint16(b)) }}
	case 4:
		h.voxelType = voxelType{"int16", 2, func(b []byte, o binary.ByteOrder) float64 { return float64(int16(o.Uint16(b))) }}
	case 768:
		h.voxelType = voxelType{"uint32", 4, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint32(b)) }}
	case 8:
		h.voxelType = voxelType{"int32", 4, func(b []byte, o binary.ByteOrder) float64 { return float64(int32(o.Uint32(b))) }}
	case 1280:
		h.voxelType = voxelType{"uint64", 8, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint64(b)) }}
	case 1024:
		h.voxelType = voxelType{"int64", 8, func(b []byte, o binary.ByteOrder) float64 { return float64(int64(o.Uint64(b))) }}
	case 16:
		h.voxelType = voxelType{"float32", 4, func(b []byte, o binary.ByteOrder) float64 {
			return float64(math.Float32frombits(o.Uint32(b)))
		}}
	case 64:
		h.voxelType = voxelType{"float64", 8, func(b []byte, o binary.ByteOrder) float64 {
			return math.Float64frombits(o.Uint64(b))
		}}
	default:
		return fmt.Errorf("datatype %d is not read, wanted an integer of at most 64 bits, float32 or float64", code)
	}
	return nil
}

// decode writes one volume, whose bytes are raw in file order (X fastest), to
// dst in C order (Z fastest), scaled in float64.
func (h *header) decode(dst []float32, raw []byte) {
	nx, ny, nz := h.volume[0], h.volume[1], h.volume[2]
	size := h.voxelType.size
	for z := range nz {
		for y := range ny {
			row := raw[(z*ny+y)*nx*size:]
			for x := range nx {
				value := h.voxelType.value(row[x*size:], h.order)
				if h.slope != 0 {
					// The conversion keeps the compiler from fusing the two
					// operations, which would round differently by machine.
					value = float64(value*h.slope) + h.inter
				}
				dst[(x*ny+y)*nz+z] = float32(value)
			}
		}
	}
}
