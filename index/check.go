package index

import (
	"fmt"
	"math"
	"slices"
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
	sum := squared(v)
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
	inv := 1 / math.Sqrt(sum)
	for i, x := range v {
		dst[i] = float32(float64(x) * inv)
	}
	return nil
}

// squared returns the squared length of v. Four sums at a time are faster than
// one, whose additions wait for each other.
func squared(v []float32) float64 {
	var a, b, c, d float64
	for ; len(v) >= 4; v = v[4:] {
		a += float64(v[0]) * float64(v[0])
		b += float64(v[1]) * float64(v[1])
		c += float64(v[2]) * float64(v[2])
		d += float64(v[3]) * float64(v[3])
	}
	for _, x := range v {
		a += float64(x) * float64(x)
	}
	return a + b + (c + d)
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
