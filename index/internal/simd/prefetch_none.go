//go:build !amd64 || noasm

package simd

// Prefetch asks for v to be in the cache soon, where there is an instruction for it
// here: there is none.
func Prefetch([]float32) {}
