package index

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"engram/data/simd"
)

// Unit returns a copy of v scaled to unit length, as every engine stores and
// asks with. It refuses a v that has not dim elements (ErrDimension), and one
// that has no direction: a NaN or infinite element or length zero (ErrVector).
// A vector that Unit has returned is its own copy, bit by bit, so that items can
// be moved from one store to another without a change.
func Unit(v []float32, dim int) ([]float32, error) {
	unit := make([]float32, dim)
	if err := UnitTo(unit, v); err != nil {
		return nil, err
	}
	return unit, nil
}

// UnitTo is Unit into dst, which has as many elements as the index.
func UnitTo(dst, v []float32) error {
	if len(v) != len(dst) {
		return fmt.Errorf("the vector has %d elements, the index %d: %w", len(v), len(dst), ErrDimension)
	}
	kernels := simd.Best()
	sum := kernels.Squares(v)
	if sum-sum != 0 { // NaN or infinite: squares of float32 numbers do not overflow
		i := slices.IndexFunc(v, func(x float32) bool { return x-x != 0 })
		return fmt.Errorf("element %d of the vector is %v: %w", i, v[i], ErrVector)
	}
	if sum == 0 {
		return fmt.Errorf("every element of the vector is zero: %w", ErrVector)
	}
	// Rounding each element of a unit vector to 24 bits moves sum by 2^-23 at most.
	if math.Abs(sum-1) < 1./(1<<22) {
		copy(dst, v)
		return nil
	}
	kernels.Scale(dst, v, 1/math.Sqrt(sum))
	return nil
}

// maxLabel bounds the bytes of a label.
const maxLabel = 1 << 20

// CheckLabel refuses a label that stores do not keep (ErrLabel): one without a
// name, with a name or value that is not UTF-8, or of more than 1 MiB.
func CheckLabel(name, value string) error {
	switch {
	case name == "":
		return fmt.Errorf("a label without a name: %w", ErrLabel)
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return fmt.Errorf("label %q is not UTF-8: %w", name, ErrLabel)
	case len(name)+len(value) > maxLabel:
		return fmt.Errorf("label %.40q has %d bytes, wanted %d at most: %w", name, len(name)+len(value), maxLabel, ErrLabel)
	}
	return nil
}

// Check refuses a payload with a value of a type that stores do not keep
// (ErrPayload).
func (p Payload) Check() error {
	for key, value := range p {
		switch value.(type) {
		case nil, bool, int64, float64, string, []string:
		default:
			return fmt.Errorf("payload %q is of type %T, wanted string, bool, int64, float64, []string or nil: %w",
				key, value, ErrPayload)
		}
	}
	return nil
}
