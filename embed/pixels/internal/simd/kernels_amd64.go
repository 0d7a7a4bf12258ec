//go:build amd64 && !noasm

package simd

import "golang.org/x/sys/cpu"

func available() []*Kernels {
	if !cpu.X86.HasAVX2 {
		return []*Kernels{&portable}
	}
	avx2 := &Kernels{
		Name: "avx2", inverseDCT: inverseDCTAVX2, toRGB: toRGBAVX2, mix: mixAVX2, double: doubleAVX2,
		across: acrossAVX2, down: downAVX2, pixels: 16, samples: 16, bytes: 32,
	}
	return []*Kernels{avx2, &portable}
}

// The reference of each is its twin in portable.go.

//go:noescape
func inverseDCTAVX2(out *byte, stride int, block *[64]int16)

// toRGBAVX2 takes a multiple of 16 pixels.
//
//go:noescape
func toRGBAVX2(out, luma, cb, cr *byte, n int)

// mixAVX2 takes a multiple of 16 samples.
//
//go:noescape
func mixAVX2(sums *uint16, near, far *byte, n int)

// doubleAVX2 takes a multiple of 16 samples, and reads one more on either side.
//
//go:noescape
func doubleAVX2(out *byte, sums *uint16, n int, left, right uint16)

// acrossAVX2 reads two bytes behind the last pixel that has a weight.
//
//go:noescape
func acrossAVX2(out, in *byte, starts *int, weights *[]int32, n int)

// downAVX2 takes a multiple of 32 bytes, and one row or more.
//
//go:noescape
func downAVX2(out *byte, rows *[]byte, weights *int32, taps, n int)
