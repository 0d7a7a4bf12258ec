// Package simd has the inner loops of the index: the inner products of one
// query with a block of rows, in float32 and in int8.
//
// Every kernel exists as portable Go and, for the processors that matter, in
// assembly: AVX2 and AVX-512 with VNNI on amd64, NEON on arm64. Best picks the
// fastest that the processor runs; All lists them, so that tests compare each
// with the portable twin. The build tag noasm leaves the portable one alone.
//
// A float32 result does not depend on where a row lies or on how many rows one
// call handles: the same kernel gives the same bits for the same two vectors.
// Exact re-scoring relies on that.
package simd
