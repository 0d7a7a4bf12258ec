//go:build amd64 && !noasm

package simd

import "golang.org/x/sys/cpu"

func available() []*Kernels {
	kernels := []*Kernels{&portable}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		avx2 := &Kernels{
			Name: "avx2", dotRows: dotRowsAVX2, dotRowsInt8: dotRowsInt8AVX2, dotPanel: dotPanelAVX2,
			squares: squaresAVX2, scale: scaleAVX2, largest: largestAVX2, code: codeAVX2, addRows: addRowsAVX2,
			scoreGathered: scoreGatheredAVX2, prefetch: prefetchLines,
		}
		kernels = append([]*Kernels{avx2}, kernels...)
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VNNI && cpu.X86.HasBMI2 && cpu.X86.HasFMA {
		avx512 := &Kernels{
			Name: "avx512vnni", dotRows: dotRowsAVX512, dotRowsInt8: dotRowsInt8VNNI, dotPanel: dotPanelVNNI, reach: reachAVX512, reachRows: reachRowsAVX512,
			squares: squaresAVX2, scale: scaleAVX2, largest: largestAVX2, code: codeAVX2, addRows: addRowsAVX2,
			scoreGathered: scoreGatheredVNNI, prefetch: prefetchLines,
		}
		kernels = append([]*Kernels{avx512}, kernels...)
	}
	return kernels
}

// The reference of each is its twin in portable.go. n and count are at least 1;
// n elements of q, v and of each row are read, and count elements of out, n of dst
// and code written.

//go:noescape
func dotRowsAVX2(out, q, rows *float32, n, stride, count int)

//go:noescape
func dotRowsInt8AVX2(out *int32, q, rows *int8, n, stride, count int)

//go:noescape
func dotRowsAVX512(out, q, rows *float32, n, stride, count int)

// dotRowsInt8VNNI multiplies with VPDPBUSD, which takes its first factor
// unsigned: a row element x goes in as x+128 (its sign bit flipped), and
// 128 times the sum of q is taken off at the end. Sums wrap around modulo
// 2³², so the result is exact wherever it fits an int32.
//
//go:noescape
func dotRowsInt8VNNI(out *int32, q, rows *int8, n, stride, count int)

//go:noescape
func squaresAVX2(v *float32, n int) float64

//go:noescape
func scaleAVX2(dst, v *float32, n int, factor float64)

//go:noescape
func largestAVX2(v *float32, n int) float32

//go:noescape
func codeAVX2(code *int8, v *float32, n int, inv, scale float64) float64

//go:noescape
func addRowsAVX2(dst, factors *float32, rows *int32, table *float32, n, count int)
