package safetensors

import (
	"fmt"
	"io"

	"engram/data/half"
	"engram/data/internal/numeric"
)

// dtype is the type of a tensor's elements.
type dtype struct {
	name string
	size int // bytes of one element
	read func(r io.Reader, count int) (any, error)
}

// parseDtype returns the type that a header calls name.
func parseDtype(name string) (dtype, error) {
	switch name {
	case "BOOL":
		return dtype{name, 1, read[bool]}, nil
	case "U8":
		return dtype{name, 1, read[uint8]}, nil
	case "I8":
		return dtype{name, 1, read[int8]}, nil
	case "I16":
		return dtype{name, 2, read[int16]}, nil
	case "U16":
		return dtype{name, 2, read[uint16]}, nil
	case "F16":
		return dtype{name, 2, widened(half.Float32)}, nil
	case "BF16":
		return dtype{name, 2, widened(half.BFloat32)}, nil
	case "I32":
		return dtype{name, 4, read[int32]}, nil
	case "U32":
		return dtype{name, 4, read[uint32]}, nil
	case "F32":
		return dtype{name, 4, read[float32]}, nil
	case "F64":
		return dtype{name, 8, read[float64]}, nil
	case "I64":
		return dtype{name, 8, read[int64]}, nil
	case "U64":
		return dtype{name, 8, read[uint64]}, nil
	}
	return dtype{}, fmt.Errorf("type %q is not read, wanted booleans, integers or floating-point numbers of 16 to 64 bits", name)
}

// read reads elements as they are.
func read[T any](r io.Reader, count int) (any, error) {
	data := make([]T, count)
	return data, numeric.Read(r, data)
}

// widened reads 16-bit floating-point numbers as float32.
func widened(widen func(uint16) float32) func(io.Reader, int) (any, error) {
	return func(r io.Reader, count int) (any, error) {
		bits := make([]uint16, count)
		if err := numeric.Read(r, bits); err != nil {
			return nil, err
		}
		data := make([]float32, count)
		for i, b := range bits {
			data[i] = widen(b)
		}
		return data, nil
	}
}

// encoder knows how a slice is written: its type's name, its rank in the order
// of tensors within a file, its length and its bytes.
type encoder struct {
	dtype dtype
	rank  int
	count int
	write func(w io.Writer) error
}

// newEncoder returns the encoder of a Tensor's data. Ranks follow the
// reference implementation, which puts the widest elements first, so that
// every tensor is aligned.
func newEncoder(data any) (encoder, error) {
	switch data := data.(type) {
	case []uint64:
		return encode("U64", 0, data)
	case []int64:
		return encode("I64", 1, data)
	case []float64:
		return encode("F64", 2, data)
	case []float32:
		return encode("F32", 3, data)
	case []uint32:
		return encode("U32", 4, data)
	case []int32:
		return encode("I32", 5, data)
	case []uint16:
		return encode("U16", 6, data)
	case []int16:
		return encode("I16", 7, data)
	case []int8:
		return encode("I8", 8, data)
	case []uint8:
		return encode("U8", 9, data)
	case []bool:
		return encode("BOOL", 10, data)
	}
	return encoder{}, fmt.Errorf("wanted a slice of booleans, sized integers, float32 or float64, found %T", data)
}

// encode returns the encoder of one element type.
func encode[T any](name string, rank int, data []T) (encoder, error) {
	d, err := parseDtype(name)
	return encoder{d, rank, len(data), func(w io.Writer) error { return numeric.Write(w, data) }}, err
}
