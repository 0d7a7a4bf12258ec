package simd

import (
	"fmt"
	"unsafe"
)

// ScoreGathered sets out[i] to the inner product of q and row ids[i] of rows, times
// scales[ids[i]], for rows that lie anywhere: the neighbours of a node of a graph.
// Row r is rows[r*len(q):][:len(q)]. The length of q is a multiple of 64, at most
// MaxDim, and what pads a shorter vector to it is zeros. The integer product is
// exact, and is rounded to a float32 before the multiplication, so that every
// implementation gives the same bits. It panics where an id has no row.
func (k *Kernels) ScoreGathered(out []float32, q, rows []int8, scales []float32, ids []uint32) {
	if len(ids) == 0 {
		return
	}
	if len(q) == 0 || len(q)%64 != 0 || len(q) > MaxDim || len(rows) < len(scales)*len(q) || len(out) < len(ids) {
		panic(fmt.Sprintf("simd: a query of %d elements, %d elements of rows with %d scales, %d results for %d ids",
			len(q), len(rows), len(scales), len(out), len(ids)))
	}
	last := uint32(len(scales))
	for _, id := range ids {
		if id >= last {
			panic(fmt.Sprintf("simd: row %d of %d", id, last))
		}
	}
	if k.scoreGathered == nil {
		k.scoreEach(out, q, rows, scales, ids)
		return
	}
	k.scoreGathered(&out[0], &q[0], &rows[0], len(q), &scales[0], &ids[0], len(ids))
}

// scoreEach is ScoreGathered by a call of dotRowsInt8 for each row.
func (k *Kernels) scoreEach(out []float32, q, rows []int8, scales []float32, ids []uint32) {
	for i, id := range ids {
		dot := (*int32)(unsafe.Pointer(&out[i])) // a variable would be allocated for each call
		k.dotRowsInt8(dot, &q[0], &rows[int(id)*len(q)], len(q), len(q), 1)
		out[i] = float32(*dot) * scales[id]
	}
}

// Prefetch asks the processor to load the memory of ids into its caches. It waits
// for nothing and changes nothing.
func (k *Kernels) Prefetch(ids []uint32) {
	if len(ids) > 0 && k.prefetch != nil {
		k.prefetch(unsafe.Pointer(&ids[0]), 4*len(ids))
	}
}

// PrefetchVector is Prefetch for float32 elements.
func (k *Kernels) PrefetchVector(v []float32) {
	if len(v) > 0 && k.prefetch != nil {
		k.prefetch(unsafe.Pointer(&v[0]), 4*len(v))
	}
}
