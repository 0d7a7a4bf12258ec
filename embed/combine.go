package embed

import (
	"errors"
	"fmt"
	"math"
)

// ErrWeight reports a weight that is zero or not finite.
var ErrWeight = errors.New("unusable weight")

// ErrNoDirection reports parts that cancel each other out: their sum points nowhere.
var ErrNoDirection = errors.New("no direction")

// Weighted is a vector with its weight in a sum. A negative weight asks for less
// of what the vector stands for.
type Weighted struct {
	Vector []float32
	Weight float64
}

// leastLength is the shortest sum that has a direction, as a share of the sum of
// the absolute weights. What is shorter is rounding: the elements of unit vectors
// in float32 are exact to about 6e-8, and two runs of one model differ by 1e-6.
const leastLength = 1e-5

// Combine returns the unit vector of a query of several parts,
//
//	q = s / ‖s‖ with s = Σ wᵢ · vᵢ / ‖vᵢ‖
//
// Every vector counts by its weight alone, whatever its length is. The vectors
// have one length D, and stay as they are. It fails with ErrWeight, ErrZero or
// ErrNotFinite where a part is of no use, and with ErrNoDirection where the parts
// cancel each other out.
func Combine(parts []Weighted) (Vector, error) {
	if len(parts) == 0 {
		return nil, Sentence(ErrNoDirection, "a query of 0 vectors has no direction")
	}
	sum, total := make([]float64, len(parts[0].Vector)), 0.
	for i, p := range parts {
		if err := CheckWeight(p.Weight); err != nil {
			return nil, partError(i, parts, err)
		}
		if len(p.Vector) != len(sum) {
			return nil, fmt.Errorf("part %d has %d elements, part 1 has %d", i+1, len(p.Vector), len(sum))
		}
		if j := FirstNotFinite(p.Vector); j >= 0 {
			return nil, partError(i, parts, fmt.Errorf("element %d is %v: %w", j, p.Vector[j], ErrNotFinite))
		}
		norm := Norm(p.Vector)
		if norm == 0 {
			return nil, partError(i, parts, ErrZero)
		}
		for j, x := range p.Vector {
			sum[j] += p.Weight * float64(x) / norm
		}
		total += math.Abs(p.Weight)
	}
	var square float64
	for _, x := range sum {
		square += x * x
	}
	length := math.Sqrt(square)
	if !(length > leastLength*total) {
		return nil, Sentence(ErrNoDirection, "the parts of the query cancel each other out, change a weight")
	}
	v := make(Vector, len(sum))
	for j, x := range sum {
		v[j] = float32(x / length)
	}
	return v, nil
}

// maxWeight bounds weights, so that no sum overflows.
const maxWeight = 1e6

// CheckWeight refuses a weight that a part of a query cannot have (ErrWeight).
func CheckWeight(w float64) error {
	if w == 0 || !(math.Abs(w) <= maxWeight) { // or NaN
		return Sentence(ErrWeight, "the weight is %v, wanted a number from -1e6 to 1e6 other than 0", w)
	}
	return nil
}

// partError says which of several parts is at fault.
func partError(i int, parts []Weighted, err error) error {
	if len(parts) == 1 {
		return err
	}
	return fmt.Errorf("part %d: %w", i+1, err)
}
