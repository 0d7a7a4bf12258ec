//go:build amd64 && !noasm

package half

import "golang.org/x/sys/cpu"

// widen converts as many of the first elements as fill whole registers and
// returns their number.
func widen(dst []float32, src []byte) int {
	if !cpu.X86.HasAVX || !cpu.X86.HasF16C {
		return 0
	}
	blocks := len(dst) / 32
	if blocks > 0 {
		widenF16C(&dst[0], &src[0], blocks)
	}
	return 32 * blocks
}

// widenF16C converts blocks of 32 elements, at least one.
//
//go:noescape
func widenF16C(dst *float32, src *byte, blocks int)
