package half

import (
	"encoding/binary"
	"math"
)

// Float32s writes the values of len(dst) little-endian binary16 numbers in src,
// two bytes each, to dst.
func Float32s(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	done := widen(dst, src)
	dst, src = dst[done:], src[2*done:]
	for i := range dst {
		dst[i] = Float32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// Bits returns the binary16 number nearest to x, ties to even. What is too
// large becomes infinite; of a NaN only that it is one remains.
func Bits(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits>>16) & 0x8000
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN
		return sign | 0x7e00
	case bits >= 0x477ff000: // 65520, halfway between the largest number and the next
		return sign | 0x7c00
	case bits < 0x38800000: // below 2^-14: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(bits))*0x1p24))
	}
	// A carry out of the fraction raises the exponent, as it should.
	bits += 0xfff + bits>>13&1
	return sign | uint16((bits-(127-15)<<23)>>13)
}
