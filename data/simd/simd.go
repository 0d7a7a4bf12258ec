package simd

import (
	"fmt"
	"unsafe"
)

// MaxDim bounds the length of int8 vectors: the sum of MaxDim products of two
// values in [-128, 127] fits an int32.
const MaxDim = 1 << 16

// Kernels is one implementation of the inner loops.
type Kernels struct {
	// Name says which: "portable", "avx2", "avx512vnni" or "neon".
	Name string

	// The functions trust their arguments: n elements of q, count rows that
	// start stride elements apart.
	dotRows     func(out, q, rows *float32, n, stride, count int)
	dotRowsInt8 func(out *int32, q, rows *int8, n, stride, count int)
	dotPanel    func(out []int32, p *Panel, rows []int8, stride, count int)                       // nil: panelByQuery
	reach       func(mask *uint32, dots *int32, scales, residuals *float32, b *Bounds, count int) // nil: portable
	reachRows   func(mask *uint16, dots *int32, scales, residuals *float32, b *Bound, count int)  // nil: portable
	squares     func(v *float32, n int) float64
	scale       func(dst, v *float32, n int, factor float64)
	largest     func(v *float32, n int) float32
	code        func(code *int8, v *float32, n int, inv, scale float64) float64
	addRows     func(dst, factors *float32, rows *int32, table *float32, n, count int)

	// nil: what they do is done without them (see gather.go).
	scoreGathered func(out *float32, q, rows *int8, n int, scales *float32, ids *uint32, count int)
	prefetch      func(first unsafe.Pointer, bytes int)
}

var best = available()[0]

// Best returns the fastest kernels that this processor runs.
func Best() *Kernels { return best }

// All returns every implementation that this processor runs, the fastest
// first and the portable one last.
func All() []*Kernels { return available() }

// DotRows sets out[i] to the inner product of q and row i of rows, which
// starts at rows[i*stride] and has len(q) elements. No element outside those
// rows is read. It panics where rows is too short.
func (k *Kernels) DotRows(out, q, rows []float32, stride int) {
	if checkRows(len(out), len(q), len(rows), stride) {
		clear(out)
		return
	}
	k.dotRows(&out[0], &q[0], &rows[0], len(q), stride, len(out))
}

// DotRowsInt8 is DotRows for int8 vectors of at most MaxDim elements. The
// results are exact over the whole range of int8, -128 included.
func (k *Kernels) DotRowsInt8(out []int32, q, rows []int8, stride int) {
	if len(q) > MaxDim {
		panic(fmt.Sprintf("simd: %d elements, at most %d", len(q), MaxDim))
	}
	if checkRows(len(out), len(q), len(rows), stride) {
		clear(out)
		return
	}
	k.dotRowsInt8(&out[0], &q[0], &rows[0], len(q), stride, len(out))
}

// checkRows panics where count rows of n elements do not fit into size
// elements. It reports whether there is nothing to multiply.
func checkRows(count, n, size, stride int) bool {
	if count == 0 || n == 0 {
		return true
	}
	if stride < 0 || (count-1)*stride+n > size {
		panic(fmt.Sprintf("simd: %d rows of %d elements, %d apart, in %d elements", count, n, stride, size))
	}
	return false
}

// Squares returns the sum of the squares of v in float64. The squares are exact,
// and every implementation adds them in the same order, with the same bits for
// a result: element i to lane i mod 8, the lanes by halves, then the last
// len(v) mod 8 elements.
func (k *Kernels) Squares(v []float32) float64 {
	if len(v) == 0 {
		return 0
	}
	return k.squares(&v[0], len(v))
}

// AddRows adds factors[i] times row rows[i] of a table to dst, for one i after the other; a
// row has len(dst) elements, and there are as many rows as factors. Products are rounded
// before they are added, so that every implementation gives the same bits. It panics where
// the table has no such row.
func (k *Kernels) AddRows(dst, factors []float32, rows []int32, table []float32) {
	n := len(dst)
	if n == 0 || len(rows) == 0 {
		return
	}
	factors = factors[:len(rows)]
	for _, row := range rows {
		_ = table[int(row)*n:][:n]
	}
	k.addRows(&dst[0], &factors[0], &rows[0], &table[0], n, len(rows))
}

// Scale sets dst, which has as many elements, to v times factor, computed in
// float64 and rounded once more.
func (k *Kernels) Scale(dst, v []float32, factor float64) {
	if len(v) == 0 {
		return
	}
	dst = dst[:len(v)]
	k.scale(&dst[0], &v[0], len(v), factor)
}

// Largest returns the largest magnitude among the elements of v, 0 without
// elements. No element is NaN.
func (k *Kernels) Largest(v []float32) float32 {
	if len(v) == 0 {
		return 0
	}
	return k.largest(&v[0], len(v))
}

// Code sets code, which has as many elements as v, to the elements of v/scale
// rounded to whole numbers in [-127, 127], halves to even. scale is positive, and
// no element of v/scale is beyond ±2^31. It returns the sum of the squares of what the
// code leaves, v - scale*code, in float64, added as Squares adds.
func (k *Kernels) Code(code []int8, v []float32, scale float32) float64 {
	if len(v) == 0 {
		return 0
	}
	code = code[:len(v)]
	return k.code(&code[0], &v[0], len(v), 1/float64(scale), float64(scale))
}
