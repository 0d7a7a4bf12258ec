//go:build amd64 && !noasm

package simd

// Prefetch asks for v to be in the cache soon. It waits for nothing.
func Prefetch(v []float32) {
	if len(v) > 0 {
		prefetch(&v[0], (len(v)+15)/16)
	}
}

//go:noescape
func prefetch(v *float32, lines int)
