package half_test

import (
	"math"
	"testing"

	"engram/data/half"
)

// The definition of IEEE 754-2019 §3.4, evaluated in float64.
func definition(bits uint16) float64 {
	sign := 1 - 2*float64(bits>>15)
	exponent, fraction := int(bits>>10)&0x1f, float64(bits&0x3ff)
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.NaN()
	case exponent == 0x1f:
		return math.Inf(int(sign))
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

func TestFloat32IsExactForEveryValue(t *testing.T) {
	for i := range 1 << 16 {
		want := definition(uint16(i))
		got := float64(half.Float32(uint16(i)))
		if math.IsNaN(want) && math.IsNaN(got) {
			continue
		}
		if got != want || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("Float32(%#04x) = %g, want %g", i, got, want)
		}
	}
}

func TestBFloat32(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x3f80: 1, 0xc000: -2, 0x0000: 0, 0x4049: 3.140625, 0x7f80: float32(math.Inf(1)),
	} {
		if got := half.BFloat32(bits); got != want {
			t.Errorf("BFloat32(%#04x) = %g, want %g", bits, got, want)
		}
	}
}
