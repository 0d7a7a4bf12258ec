//go:build amd64 && !noasm

package dense

import "golang.org/x/sys/cpu"

func available() (single []*kernel[float32], double []*kernel[float64]) {
	if cpu.X86.HasAVX512F {
		single = append(single, &kernel[float32]{"avx512", 12, 32, addSingleAVX512})
		double = append(double, &kernel[float64]{"avx512", 12, 16, addDoubleAVX512})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		single = append(single, &kernel[float32]{"avx2", 6, 16, addSingleAVX2})
		double = append(double, &kernel[float64]{"avx2", 6, 8, addDoubleAVX2})
	}
	return append(single, &portable32), append(double, &portable64)
}

// The twin of each is addPortable, for tiles of 12 or 6 rows and two registers of
// columns. depth is at least 1.

//go:noescape
func addSingleAVX512(depth int, a, b, c *float32, step int)

//go:noescape
func addDoubleAVX512(depth int, a, b, c *float64, step int)

//go:noescape
func addSingleAVX2(depth int, a, b, c *float32, step int)

//go:noescape
func addDoubleAVX2(depth int, a, b, c *float64, step int)
