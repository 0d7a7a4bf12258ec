package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// chunkBytes is how much of a file is decoded at a time.
const chunkBytes = 1 << 16

// readArray reads the elements that h describes. It starts with room for
// reserve elements, which the caller has seen to exist, and grows from there.
func readArray(r io.Reader, h *header, reserve int) (*Array, error) {
	var data any
	var err error
	switch (dtype{kind: h.dtype.kind, size: h.dtype.size}) {
	case dtype{kind: 'b', size: 1}:
		data, err = readElements[bool](r, h, reserve)
	case dtype{kind: 'i', size: 1}:
		data, err = readElements[int8](r, h, reserve)
	case dtype{kind: 'i', size: 2}:
		data, err = readElements[int16](r, h, reserve)
	case dtype{kind: 'i', size: 4}:
		data, err = readElements[int32](r, h, reserve)
	case dtype{kind: 'i', size: 8}:
		data, err = readElements[int64](r, h, reserve)
	case dtype{kind: 'u', size: 1}:
		data, err = readElements[uint8](r, h, reserve)
	case dtype{kind: 'u', size: 2}:
		data, err = readElements[uint16](r, h, reserve)
	case dtype{kind: 'u', size: 4}:
		data, err = readElements[uint32](r, h, reserve)
	case dtype{kind: 'u', size: 8}:
		data, err = readElements[uint64](r, h, reserve)
	case dtype{kind: 'f', size: 8}:
		data, err = readElements[float64](r, h, reserve)
	default: // half and single precision
		data, err = readElements[float32](r, h, reserve)
	}
	if err != nil {
		return nil, err
	}
	return &Array{Shape: h.shape, Data: data}, nil
}

// readElements reads h.count elements into a slice in C order. A file in
// Fortran order needs its data twice for a moment.
func readElements[T any](r io.Reader, h *header, reserve int) ([]T, error) {
	size := h.dtype.size
	data := make([]T, 0, reserve)
	raw := make([]byte, min(int64(chunkBytes), h.bytes()))
	for len(data) < h.count {
		n := min(h.count-len(data), chunkBytes/size)
		if got, err := io.ReadFull(r, raw[:n*size]); err != nil {
			return nil, short(err, "header says %s, there are %d", h, int64(len(data))*int64(size)+int64(got))
		}
		data = slices.Grow(data, n)[:len(data)+n]
		if err := decode(data[len(data)-n:], raw[:n*size], h.dtype); err != nil {
			return nil, fmt.Errorf("decode %s: %w", h.dtype, err)
		}
	}
	if h.fortran && len(h.shape) > 1 {
		ordered := make([]T, len(data))
		toCOrder(ordered, data, h.shape)
		return ordered, nil
	}
	return data, nil
}

// decode fills dst from the bytes of len(dst) elements, widening half precision
// to float32.
func decode[T any](dst []T, raw []byte, d dtype) error {
	if halves, ok := any(dst).([]float32); ok && d.size == 2 {
		return d.float32s(halves, raw)
	}
	_, err := binary.Decode(raw, d.order(), dst)
	return err
}

// toCOrder copies src, an array of the given shape in Fortran order (the first
// axis varying fastest), to dst in C order.
func toCOrder[T any](dst, src []T, shape []int) {
	// stride[k] is how far apart neighbours on axis k lie in dst.
	stride := make([]int, len(shape))
	step := 1
	for k := len(shape) - 1; k >= 0; k-- {
		stride[k] = step
		step *= shape[k]
	}
	index := make([]int, len(shape))
	at := 0
	for _, x := range src {
		dst[at] = x
		for k := range index {
			index[k]++
			at += stride[k]
			if index[k] < shape[k] {
				break
			}
			at -= index[k] * stride[k]
			index[k] = 0
		}
	}
}
