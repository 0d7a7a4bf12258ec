package ort

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"engram/embed/onnx"

	binding "github.com/yalue/onnxruntime_go"
)

// Spec is the name, the element type and the shape of an input or output. A
// dimension of -1 may be anything; a nil Shape leaves the rank open too.
type Spec struct {
	Name  string
	Type  onnx.ElemType
	Shape []int64
}

// Tensor is a dense array in Go memory. Data is []float32, []int64, []int32,
// []uint8 or []bool, row-major, with as many elements as Shape says; a scalar
// has an empty Shape and one element.
type Tensor struct {
	Shape []int64
	Data  any
}

// Tensors are tensors by the name of a model's input or output.
type Tensors map[string]*Tensor

// buffer is a tensor's data with its Go type known.
type buffer interface {
	elem() onnx.ElemType
	size() int64
	// bind makes the value through which C reads and writes the buffer's own
	// memory, which stays pinned until the pinner lets go.
	bind(shape []int64, pin *runtime.Pinner) (binding.Value, error)
	// take returns the data of a value of the buffer's type: Go memory that
	// outlives the value.
	take(v binding.Value) any
}

// vector is the buffer of element type T.
type vector[T binding.TensorData] struct {
	kind onnx.ElemType
	s    []T
}

func (v vector[T]) elem() onnx.ElemType { return v.kind }
func (v vector[T]) size() int64         { return int64(len(v.s)) }

func (v vector[T]) bind(shape []int64, pin *runtime.Pinner) (binding.Value, error) {
	if len(shape) == 0 {
		return binding.NewScalar(v.s[0])
	}
	if len(v.s) > 0 {
		pin.Pin(&v.s[0])
	}
	return binding.NewTensor(shape, v.s)
}

func (v vector[T]) take(value binding.Value) any {
	switch value := value.(type) {
	case *binding.Tensor[T]:
		return value.GetData()
	case *binding.Scalar[T]: // the binding keeps a scalar in memory of its own
		v.s[0] = value.GetData()
		return v.s
	}
	return nil
}

// bufferOf wraps a Tensor's Data; ok is false for a type that no tensor has.
func bufferOf(data any) (b buffer, ok bool) {
	switch s := data.(type) {
	case []float32:
		return vector[float32]{onnx.Float, s}, true
	case []int64:
		return vector[int64]{onnx.Int64, s}, true
	case []int32:
		return vector[int32]{onnx.Int32, s}, true
	case []uint8:
		return vector[uint8]{onnx.Uint8, s}, true
	case []bool:
		return vector[bool]{onnx.Bool, s}, true
	}
	return nil, false
}

// newBuffer allocates n elements; ok is false for an element type that has no
// Go type here.
func newBuffer(kind onnx.ElemType, n int64) (b buffer, ok bool) {
	switch kind {
	case onnx.Float:
		return vector[float32]{kind, make([]float32, n)}, true
	case onnx.Int64:
		return vector[int64]{kind, make([]int64, n)}, true
	case onnx.Int32:
		return vector[int32]{kind, make([]int32, n)}, true
	case onnx.Uint8:
		return vector[uint8]{kind, make([]uint8, n)}, true
	case onnx.Bool:
		return vector[bool]{kind, make([]bool, n)}, true
	}
	return nil, false
}

// check wraps t as a buffer that fits the model's declaration of it.
func (s Spec) check(t *Tensor) (buffer, error) {
	if t == nil {
		return nil, fmt.Errorf("%s is nil, wanted %s: %w", s.Name, s.describe(), ErrMismatch)
	}
	b, ok := bufferOf(t.Data)
	if !ok {
		return nil, fmt.Errorf("%s has data of type %T, wanted %s: %w", s.Name, t.Data, s.describe(), ErrMismatch)
	}
	found := Spec{Name: s.Name, Type: b.elem(), Shape: t.Shape}
	if found.Shape == nil {
		found.Shape = []int64{}
	}
	if !s.accepts(found) {
		return nil, fmt.Errorf("%s is %s, wanted %s: %w", s.Name, found.describe(), s.describe(), ErrMismatch)
	}
	if n, ok := elements(t.Shape); !ok || n != b.size() {
		return nil, fmt.Errorf("%s is %s but has %d elements: %w", s.Name, found.describe(), b.size(), ErrMismatch)
	}
	return b, nil
}

// accepts says whether a value of the other type and shape can be meant by s.
// A dimension that either side leaves open fits.
func (s Spec) accepts(other Spec) bool {
	if s.Type != other.Type {
		return false
	}
	if s.Shape == nil || other.Shape == nil {
		return true
	}
	return slices.EqualFunc(s.Shape, other.Shape, func(a, b int64) bool { return a == b || a < 0 || b < 0 })
}

// fixed returns the number of elements where every dimension is known.
func (s Spec) fixed() (n int64, ok bool) {
	if s.Shape == nil {
		return 0, false
	}
	return elements(s.Shape)
}

// String returns the type and the shape, such as "float32[?,3,224,224]".
func (s Spec) String() string { return s.describe() }

// describe writes the type and the shape, such as "float32[?,3,224,224]".
func (s Spec) describe() string {
	if s.Shape == nil {
		return s.Type.String() + " of any shape"
	}
	dims := make([]string, len(s.Shape))
	for i, n := range s.Shape {
		if dims[i] = "?"; n >= 0 {
			dims[i] = fmt.Sprint(n)
		}
	}
	return s.Type.String() + "[" + strings.Join(dims, ",") + "]"
}

// elements returns the product of the dimensions, 1 for a scalar; ok is false
// where one is negative or the product overflows.
func elements(shape []int64) (n int64, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt64/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
