package pretrain

import (
	"encoding/binary"
	"math"
)

// halved turns little-endian float32 numbers into float16.
func halved(raw []byte) []byte {
	out := make([]byte, 0, len(raw)/2)
	for ; len(raw) >= 4; raw = raw[4:] {
		x := math.Float32frombits(binary.LittleEndian.Uint32(raw))
		out = binary.LittleEndian.AppendUint16(out, halfBits(x))
	}
	return out
}

// halfBits returns the IEEE 754 binary16 number nearest to x, ties to even.
// What is too large becomes infinite.
func halfBits(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	switch magnitude := math.Abs(float64(x)); {
	case magnitude != magnitude:
		return sign | 0x7e00
	case magnitude >= 65520: // halfway between the largest number and the next
		return sign | 0x7c00
	case magnitude < 0x1p-14: // subnormal: multiples of 2^-24
		return sign | uint16(math.RoundToEven(magnitude*0x1p24))
	}
	// A carry out of the fraction raises the exponent, as it should.
	rounded := bits&0x7fffffff + 0xfff + bits>>13&1
	return sign | uint16((rounded-(127-15)<<23)>>13)
}
