//go:build amd64 && !noasm

package simd

import "unsafe"

// The reference of both is scoreEach. n is a multiple of 64, count at least 1.
// While a row is multiplied, the row three places later is prefetched: rows that
// lie anywhere come from memory, and the processor cannot guess which is next.

//go:noescape
func scoreGatheredVNNI(out *float32, q, rows *int8, n int, scales *float32, ids *uint32, count int)

//go:noescape
func scoreGatheredAVX2(out *float32, q, rows *int8, n int, scales *float32, ids *uint32, count int)

//go:noescape
func prefetchLines(first unsafe.Pointer, bytes int)
