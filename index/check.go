package index

import (
	"fmt"
	"math"
)

// Unit returns a copy of v scaled to unit length, as every engine stores and
// asks with. It refuses a v that has not dim elements (ErrDimension), and one
// that has no direction: a NaN or infinite element or length zero (ErrVector).
// A vector that Unit has returned is its own copy, bit by bit, so that items can
// be moved from one store to another without a change.
func Unit(v []float32, dim int) ([]float32, error) {
	if len(v) != dim {
		return nil, fmt.Errorf("the vector has %d elements, the index %d: %w", len(v), dim, ErrDimension)
	}
	var sum float64
	for i, x := range v {
		// x-x is zero for every finite x and NaN for the others.
		if x-x != 0 {
			return nil, fmt.Errorf("element %d of the vector is %v: %w", i, x, ErrVector)
		}
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return nil, fmt.Errorf("every element of the vector is zero: %w", ErrVector)
	}
	unit := make([]float32, dim)
	inv := 1 / math.Sqrt(sum)
	// Rounding each element of a unit vector to 24 bits moves sum by 2^-23 at most.
	if math.Abs(sum-1) < 1./(1<<22) {
		inv = 1
	}
	for i, x := range v {
		unit[i] = float32(float64(x) * inv)
	}
	return unit, nil
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
