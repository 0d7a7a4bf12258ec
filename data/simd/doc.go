// Package simd has the inner loops of the index and of a decoder's metric: the inner products of
// one query with a block of rows, in float32 and in int8, and of a panel of queries with
// it in int8, the comparison of their bounds with a limit, and what is done to a
// vector that is added, its norm and its int8 code.
//
// Every kernel exists as portable Go and, for the processors that matter, in
// assembly: AVX2 and AVX-512 with VNNI on amd64, NEON, for the products, on
// arm64. Best picks the fastest that the processor runs; All lists them, so that
// tests compare each with the portable twin. The build tag noasm leaves the
// portable one alone.
//
// A float32 result does not depend on where a row lies or on how many rows one
// call handles: the same kernel gives the same bits for the same two vectors.
// Exact re-scoring relies on that. What becomes of an added vector does not even
// depend on the kernel, so that an index is the same file wherever it is built.
package simd
