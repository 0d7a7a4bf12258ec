package column

import (
	"math"
	"slices"

	"engram/data/simd"
)

// Quantise writes the int8 code of v into code, which has len(v) elements, and
// returns its scale s = max|v_i|/127 and the length of its residual, rounded
// up: v = s·code + r with |r| <= residual. Codes lie in [-127, 127].
//
// What the code tells about a score: let q and x have unit length, with codes
// c_q, c_x, scales t, s and residuals e, r. Then
//
//	<q,x> = <t·c_q, s·c_x> + <q - e, r> + <e, x>
//
// where the last two terms come from splitting x, then q, into code and
// residual: <q,x> = <t·c_q, x> + <e,x> = <t·c_q, s·c_x> + <t·c_q, r> + <e,x>
// and t·c_q = q - e. By Cauchy and Schwarz
//
//	|<q,x> - t·s·<c_q,c_x>| <= (1 + |e|)·|r| + |e|
//
// and <c_q,c_x> is an exact integer. The bound is a line in |r|, so that a
// scan needs two numbers per row: s and |r|. bound adds the rounding errors of
// float32 arithmetic.
func Quantise(code []int8, v []float32) (scale, residual float32) {
	kernels := simd.Best()
	scale = kernels.Largest(v) / 127
	if scale == 0 {
		clear(code)
		return 0, up(math.Sqrt(kernels.Squares(v)))
	}
	return scale, up(math.Sqrt(kernels.Code(code, v, scale)))
}

// up rounds x, which is not negative, to a float32 that is larger than it.
func up(x float64) float32 {
	return math.Nextafter32(float32(x), math.MaxFloat32)
}

// Query is a query with its code and the error bound of the code: the score of a
// row with scale s, residual r and integer product d is, as float32 arithmetic
// computes it, at most d·(Scale·s) + Slope·r + Offset.
type Query struct {
	Vector []float32
	Code   []int8
	Scale  float32
	Slope  float32
	Offset float32
}

// Set codes the unit vector v. It allocates only where the code of q has no room.
func (q *Query) Set(v []float32) {
	q.Vector, q.Code = v, slices.Grow(q.Code[:0], len(v))[:len(v)]
	var residual float32
	q.Scale, residual = Quantise(q.Code, v)
	q.Slope, q.Offset = bound(len(v), residual)
}

// Likely returns by how much the score of a row with a scale may be above the product of
// the codes, but for one row in 700,000: a bound for searches that may miss rows.
//
// The error is <q-e, r> + <e, x> (see Quantise). The elements of r and e are taken as
// independent and uniform, up to half of the scale and half of Scale, as rounding errors
// are (Bennett 1948, "Spectra of quantized signals"). Then E exp(λ·r_i) <= exp(λ²·scale²/24),
// and as q and x have unit length, the error is above a with a probability of
// exp(-6a²/(scale²+Scale²)) at most (Chernoff). For 768 elements the bound is a tenth of
// the one that holds without exception.
func (q *Query) Likely(scale float32) float32 {
	return 1.5 * float32(math.Sqrt(float64(scale*scale+q.Scale*q.Scale)))
}

// CheckScore returns the error of Check where the score of a row is not likely by the
// product of the codes, which is times the scales. So a vector or a code that is damaged
// by more than a code is inexact gives no wrong score, at no cost for others.
func (q *Query) CheckScore(r *Rows, row int, score, product float32) error {
	likely := q.Likely(r.Scales[row])
	if r.Check == nil || score-product <= likely && product-score <= likely {
		return nil
	}
	return r.Check(row)
}

// bound returns the slope and offset of the error bound in the residual of a
// row, for a query whose own residual is residual.
//
// Beyond the proof at Quantise it covers rounding, with u = 2^-24: the float32
// kernel may be off by n·u/(1-n·u)·Σ|q_i·x_i|, whatever order it adds in
// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.1), the
// bound's own arithmetic by less than 16·u on terms below 2, and a stored unit
// vector is longer than 1 by less than u. 2·(n+32)·u exceeds their sum for
// every n up to simd.MaxDim, and 1 + 2^-20 exceeds the lengths.
func bound(n int, residual float32) (slope, offset float32) {
	const u, length = 1.0 / (1 << 24), 1 + 1.0/(1<<20)
	slack := 2 * float64(n+32) * u
	return up(length + float64(residual)), up(length*float64(residual) + slack)
}
