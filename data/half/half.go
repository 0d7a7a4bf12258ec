// Package half converts between 16-bit floating-point numbers and float32.
// Widening is exact: every 16-bit value has a float32 of its own.
package half

import "math"

// Float32 returns the value of an IEEE 754 binary16 number given by its bits:
// 1 sign, 5 exponent (bias 15) and 10 fraction bits.
func Float32(bits uint16) float32 {
	sign := uint32(bits>>15) << 31
	exponent := uint32(bits>>10) & 0x1f
	fraction := uint32(bits) & 0x3ff
	switch exponent {
	case 0: // zero or subnormal: fraction × 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// BFloat32 returns the value of a bfloat16 number given by its bits, which are
// the upper half of a float32.
func BFloat32(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }
