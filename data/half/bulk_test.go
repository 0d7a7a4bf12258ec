package half_test

import (
	"encoding/binary"
	"math"
	"testing"

	"engram/data/half"
)

// every returns all 16-bit numbers, little-endian.
func every() []byte {
	var src []byte
	for i := range 1 << 16 {
		src = binary.LittleEndian.AppendUint16(src, uint16(i))
	}
	return src
}

func TestFloat32sAgreesWithFloat32(t *testing.T) {
	src := every()
	for _, n := range []int{0, 1, 31, 32, 33, 63, 64, 100, 1 << 16} {
		dst := make([]float32, n+1)
		dst[n] = 7
		half.Float32s(dst[:n], src)
		for i, got := range dst[:n] {
			want := half.Float32(uint16(i))
			// A signalling NaN may come out as a quiet one.
			if got != want && !(got != got && want != want) || math.Signbit(float64(got)) != math.Signbit(float64(want)) {
				t.Fatalf("of %d: element %#04x is %g, want %g", n, i, got, want)
			}
		}
		if dst[n] != 7 {
			t.Fatalf("of %d: the element behind the last one was written", n)
		}
	}
}

func TestBitsInvertsFloat32(t *testing.T) {
	for i := range 1 << 16 {
		x := half.Float32(uint16(i))
		got := half.Bits(x)
		if x != x {
			if y := half.Float32(got); y == y {
				t.Fatalf("Bits(NaN) = %#04x, which is %g", got, y)
			}
			continue
		}
		if got != uint16(i) {
			t.Fatalf("Bits(%g) = %#04x, want %#04x", x, got, i)
		}
	}
}

// Between two neighbours the nearer one is taken, halfway the even one.
func TestBitsRoundsToNearestEven(t *testing.T) {
	const largest = 0x7bff
	for i := range largest {
		low, high := half.Float32(uint16(i)), half.Float32(uint16(i+1))
		middle := (low + high) / 2
		even := uint16(i + i&1)
		for _, sign := range []float32{1, -1} {
			flip := uint16(math.Float32bits(sign)>>16) & 0x8000
			for x, want := range map[float32]uint16{
				math.Nextafter32(middle, low): uint16(i), middle: even, math.Nextafter32(middle, high): uint16(i + 1),
			} {
				if got := half.Bits(sign * x); got != want|flip {
					t.Fatalf("Bits(%g) = %#04x, want %#04x", sign*x, got, want|flip)
				}
			}
		}
	}
	for x, want := range map[float32]uint16{
		math.Nextafter32(65520, 0): largest, 65520: 0x7c00, math.MaxFloat32: 0x7c00,
		float32(math.Inf(-1)): 0xfc00, 0x1p-25: 0, math.Nextafter32(0x1p-25, 1): 1,
	} {
		if got := half.Bits(x); got != want {
			t.Errorf("Bits(%g) = %#04x, want %#04x", x, got, want)
		}
	}
}

func BenchmarkFloat32s(b *testing.B) {
	src := every()
	dst := make([]float32, 1<<16)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		half.Float32s(dst, src)
	}
}
