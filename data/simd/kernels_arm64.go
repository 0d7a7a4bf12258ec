//go:build arm64 && !noasm

package simd

// available: every arm64 processor has NEON.
func available() []*Kernels {
	neon := portable
	neon.Name, neon.dotRows, neon.dotRowsInt8 = "neon", dotRowsNEON, dotRowsInt8NEON
	return []*Kernels{&neon, &portable}
}

// The reference of each is its twin in portable.go. n and count are at least 1;
// n elements of q and of each row are read, and count elements of out written.

//go:noescape
func dotRowsNEON(out, q, rows *float32, n, stride, count int)

//go:noescape
func dotRowsInt8NEON(out *int32, q, rows *int8, n, stride, count int)
