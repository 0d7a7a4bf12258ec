package simd

import "fmt"

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
