package npy

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// ErrTooLarge reports an array of more bytes than the caller of Read accepts.
var ErrTooLarge = errors.New("too large")

// Array is one array in C order, the last axis varying fastest.
type Array struct {
	Shape []int // empty for a scalar
	// Data is the slice of the file's type, of as many elements as Shape
	// says: []bool, []int8 to []int64, []uint8 to []uint64, []float32 or
	// []float64. Half-precision numbers arrive as []float32.
	Data any
}

// ReadFile reads the array in the file at path. The size of the file must be
// what its header says.
func ReadFile(path string) (*Array, error) {
	f, h, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := readArray(f, h, h.count)
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return a, nil
}

// open opens a file, reads its header and checks it against the file's size.
// The file stands at the first element.
func open(path string) (*os.File, *header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("npy: %w", err)
	}
	h, err := checkedHeader(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return f, h, nil
}

// checkedHeader reads the header of f, whose size must be what it says.
func checkedHeader(f *os.File) (*header, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("wanted a file, found %s", info.Mode().Type())
	}
	h, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	if found := info.Size() - h.offset; found != h.bytes() {
		return nil, fmt.Errorf("header says %s, the file has %d", h, found)
	}
	return h, nil
}

// Read reads one array from r, which must end with it. An array of more than
// maxBytes bytes is refused (ErrTooLarge) before it is read, and memory grows
// with what arrives, not with what the header claims; half precision doubles
// it, and Fortran order does for a moment. Use it for input whose sender is
// not trusted, such as a request's body.
func Read(r io.Reader, maxBytes int64) (*Array, error) {
	a, err := read(r, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return a, nil
}

func read(r io.Reader, maxBytes int64) (*Array, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	if h.bytes() > maxBytes {
		return nil, fmt.Errorf("header says %s, at most %d are accepted: %w", h, maxBytes, ErrTooLarge)
	}
	a, err := readArray(r, h, 0)
	if err != nil {
		return nil, err
	}
	var extra [1]byte
	if _, err := io.ReadFull(r, extra[:]); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("header says %s, there are more", h)
	}
	return a, nil
}

// Float32s returns the elements as float32: Data itself where it is
// []float32, else a converted copy. Booleans become 0 and 1. Integers beyond
// 2^24 are rounded, as float64 values are.
func (a *Array) Float32s() []float32 {
	switch data := a.Data.(type) {
	case []float32:
		return data
	case []bool:
		out := make([]float32, len(data))
		for i, x := range data {
			if x {
				out[i] = 1
			}
		}
		return out
	case []int8:
		return convert[float32](data)
	case []int16:
		return convert[float32](data)
	case []int32:
		return convert[float32](data)
	case []int64:
		return convert[float32](data)
	case []uint8:
		return convert[float32](data)
	case []uint16:
		return convert[float32](data)
	case []uint32:
		return convert[float32](data)
	case []uint64:
		return convert[float32](data)
	case []float64:
		return convert[float32](data)
	}
	panic(fmt.Sprintf("npy: Array.Data is %T, which no file gives", a.Data))
}

// Int64s returns the elements of an integer array as a new slice. It refuses
// other types and values above the largest int64.
func (a *Array) Int64s() ([]int64, error) {
	switch data := a.Data.(type) {
	case []int8:
		return convert[int64](data), nil
	case []int16:
		return convert[int64](data), nil
	case []int32:
		return convert[int64](data), nil
	case []int64:
		return slices.Clone(data), nil
	case []uint8:
		return convert[int64](data), nil
	case []uint16:
		return convert[int64](data), nil
	case []uint32:
		return convert[int64](data), nil
	case []uint64:
		for i, x := range data {
			if x > math.MaxInt64 {
				return nil, fmt.Errorf("npy: element %d is %d, wanted at most %d", i, x, int64(math.MaxInt64))
			}
		}
		return convert[int64](data), nil
	}
	return nil, fmt.Errorf("npy: wanted integers, found %T", a.Data)
}

// number is an element that converts to float32 or int64.
type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// convert returns the elements of src as D.
func convert[D, S number](src []S) []D {
	dst := make([]D, len(src))
	for i, x := range src {
		dst[i] = D(x)
	}
	return dst
}
