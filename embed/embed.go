package embed

import (
	"errors"
	"fmt"
	"math"
)

// ErrNotFinite reports a vector or a matrix with a NaN or infinite element.
var ErrNotFinite = errors.New("not finite")

// ErrZero reports a vector of length zero, which has no direction.
var ErrZero = errors.New("zero vector")

// Vector is one embedding of D float32 elements. Vectors that enter an index
// have unit length, so that their dot product is the cosine similarity.
type Vector []float32

// Tokens are the T token embeddings of one image, [T, D] row-major. Token 0 is
// the global embedding.
type Tokens struct {
	T, D int
	Data []float32 // length T*D
}

// Global returns token 0 without copying it: D elements, not normalised.
func (t Tokens) Global() Vector { return t.Data[:t.D:t.D] }

// Norm returns the Euclidean length of v, accumulated in float64.
func Norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// Normalize scales v in place to unit length. It leaves v as it was and
// returns ErrNotFinite or ErrZero where v has no direction.
func Normalize(v []float32) error {
	if i := FirstNotFinite(v); i >= 0 {
		return fmt.Errorf("element %d is %v: %w", i, v[i], ErrNotFinite)
	}
	norm := Norm(v)
	if norm == 0 {
		return ErrZero
	}
	inv := 1 / norm
	for i, x := range v {
		v[i] = float32(float64(x) * inv)
	}
	return nil
}

// FirstNotFinite returns the index of the first NaN or infinite element of v,
// or -1 where every element is finite.
func FirstNotFinite(v []float32) int {
	for i, x := range v {
		// x-x is zero for every finite x and NaN for the others.
		if x-x != 0 {
			return i
		}
	}
	return -1
}

// Dot returns the inner product of two vectors of equal length, accumulated in
// float64. It is the reference for the kernels of the index, not a fast path.
func Dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
