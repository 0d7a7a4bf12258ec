package simd

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// maxLen is past four steps of the widest kernel loop.
const maxLen = 150

// guarded returns n bytes inside a larger slice, and a function that reports whether
// the bytes around them are as they were: bounds checks do not look into assembly.
func guarded(n, offset int) (inside []byte, intact func() bool) {
	const guard = 64
	all := bytes.Repeat([]byte{0xa5}, guard+offset+n+guard)
	before, after := all[:guard+offset], all[guard+offset+n:]
	return all[guard+offset:][:n:n], func() bool {
		return bytes.Count(before, []byte{0xa5}) == len(before) && bytes.Count(after, []byte{0xa5}) == len(after)
	}
}

// randomBytes returns n bytes, every third of them an extreme.
func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.IntN(256))
		if i%3 == 0 {
			b[i] = []byte{0, 1, 127, 128, 129, 254, 255}[rng.IntN(7)]
		}
	}
	return b
}

// forEach runs a test with every implementation but the portable one.
func forEach(t *testing.T, test func(t *testing.T, k *Kernels)) {
	for _, k := range All() {
		if k.Name != portable.Name {
			t.Run(k.Name, func(t *testing.T) { test(t, k) })
		}
	}
}

// blocks yields coefficients as photos have them, sparse ones, and any at all.
func blocks(rng *rand.Rand, n int, yield func(*[64]int16)) {
	for i := range n {
		var block [64]int16
		size := []int{4, 300, 2048, 1 << 15}[i%4]
		for range 1 + rng.IntN(64) {
			block[rng.IntN(64)] = int16(rng.IntN(2*size) - size)
		}
		if i%5 == 0 {
			for j := range block {
				block[j] = []int16{-1 << 15, 1<<15 - 1, -2048, 2047, 0}[rng.IntN(5)]
			}
		}
		yield(&block)
	}
}

func TestInverseDCTGivesTheBytesOfThePortableOne(t *testing.T) {
	forEach(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(1, 2))
		blocks(rng, 20_000, func(block *[64]int16) {
			stride := 8 + rng.IntN(40)
			got, intact := guarded(7*stride+8, rng.IntN(32))
			want := bytes.Clone(got)
			before := *block
			k.InverseDCT(got, stride, block)
			portable.InverseDCT(want, stride, block)
			if !bytes.Equal(got, want) || !intact() || *block != before {
				t.Fatalf("stride %d, block %v: got %v, want %v", stride, block, got, want)
			}
		})
	})
}

// The formula of T.81, A.3.3 in float64: the portable kernel is within one step of it.
func TestInverseDCTOfOneCoefficient(t *testing.T) {
	for at, want := range map[int][4]byte{ // samples 0, 7, 56, 63 for a coefficient of 800
		0: {228, 228, 228, 228}, 1: {255, 0, 255, 0}, 8: {255, 255, 0, 0}, 9: {255, 0, 0, 255},
	} {
		for _, k := range All() {
			var block [64]int16
			block[at] = 800
			out := make([]byte, 64)
			k.InverseDCT(out, 8, &block)
			if got := [4]byte{out[0], out[7], out[56], out[63]}; got != want {
				t.Errorf("%s: coefficient %d: corners are %v, want %v", k.Name, at, got, want)
			}
		}
	}
}

func TestToRGBOfEveryColour(t *testing.T) {
	const n = 256
	luma, cb, cr := make([]byte, n), make([]byte, n), make([]byte, n)
	want := make([]byte, 3*n)
	forEach(t, func(t *testing.T, k *Kernels) {
		got := make([]byte, 3*n)
		for blue := range n {
			for red := range n {
				for i := range n {
					luma[i], cb[i], cr[i] = byte(i*37+blue), byte(blue), byte(red)
				}
				k.ToRGB(got, luma, cb, cr)
				portable.ToRGB(want, luma, cb, cr)
				if !bytes.Equal(got, want) {
					t.Fatalf("Cb %d, Cr %d: got %v, want %v", blue, red, got, want)
				}
			}
		}
	})
}

func TestToRGBAtEveryLengthAndOffset(t *testing.T) {
	forEach(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range maxLen {
			luma, cb, cr := randomBytes(rng, n), randomBytes(rng, n+3)[3:], randomBytes(rng, n+5)[5:]
			got, intact := guarded(3*n, n%32)
			want := make([]byte, 3*n)
			k.ToRGB(got, luma, cb, cr)
			portable.ToRGB(want, luma, cb, cr)
			if !bytes.Equal(got, want) || !intact() {
				t.Fatalf("n=%d: got %v, want %v", n, got, want)
			}
		}
	})
}

func TestMixAndDoubleAtEveryLengthAndOffset(t *testing.T) {
	forEach(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(5, 6))
		for n := range maxLen {
			near, far := randomBytes(rng, n), randomBytes(rng, n+1)[1:]
			got, want := make([]uint16, n+2), make([]uint16, n+2)
			k.Mix(got[1:n+1], near, far)
			portable.Mix(want[1:n+1], near, far)
			if !slices.Equal(got, want) {
				t.Fatalf("n=%d: sums are %v, want %v", n, got, want)
			}
			for _, round := range [][2]uint16{{8, 7}, {4, 8}} {
				got, intact := guarded(2*n, n%32)
				doubled := make([]byte, 2*n)
				k.Double(got, want, round[0], round[1])
				portable.Double(doubled, want, round[0], round[1])
				if !bytes.Equal(got, doubled) || !intact() {
					t.Fatalf("n=%d: doubled to %v, want %v", n, got, doubled)
				}
			}
		}
	})
}

// randomWeights returns weights like a resize's: they add up to about 1, and some are
// negative.
func randomWeights(rng *rand.Rand, n int) []int32 {
	w := make([]int32, n)
	for i := range w {
		w[i] = int32((rng.Float64()*2.5 - .5) / float64(n) * (1 << Precision))
	}
	return w
}

func TestAcrossAtEveryWidthAndNumberOfWeights(t *testing.T) {
	forEach(t, func(t *testing.T, k *Kernels) {
		rng := rand.New(rand.NewPCG(7, 8))
		for taps := 1; taps < 14; taps++ {
			for width := taps; width < taps+40; width++ {
				n := 1 + rng.IntN(20)
				starts, weights := make([]int, n), make([][]int32, n)
				for i := range n {
					starts[i] = i * (width - taps) / max(n-1, 1)
					weights[i] = randomWeights(rng, taps)
				}
				in := randomBytes(rng, 3*width)
				in = in[: 3*width : 3*width]
				got, intact := guarded(3*n, width%32)
				want := make([]byte, 3*n)
				k.Across(got, in, starts, weights)
				portable.Across(want, in, starts, weights)
				if !bytes.Equal(got, want) || !intact() {
					t.Fatalf("%d weights, %d of %d pixels: got %v, want %v", taps, n, width, got, want)
				}
			}
		}
	})
}

func TestDownAtEveryLengthAndNumberOfRows(t *testing.T) {
	for _, k := range All() {
		rng := rand.New(rand.NewPCG(9, 10))
		for taps := range 12 {
			for n := range maxLen {
				rows, weights := make([][]byte, taps), randomWeights(rng, taps)
				for j := range rows {
					rows[j] = randomBytes(rng, n+j)[j:]
				}
				got, intact := guarded(n, n%32)
				k.Down(got, rows, weights)
				want := make([]byte, n)
				for x := range want {
					sum := int32(half)
					for j, w := range weights {
						sum += int32(rows[j][x]) * w
					}
					want[x] = clamp(sum >> Precision)
				}
				if !bytes.Equal(got, want) || !intact() {
					t.Fatalf("%s: %d rows of %d bytes: got %v, want %v", k.Name, taps, n, got, want)
				}
			}
		}
	}
}

func TestShortArgumentsPanicBeforeAKernelReadsThem(t *testing.T) {
	b := make([]byte, 64)
	for _, k := range All() {
		for name, call := range map[string]func(){
			"samples":  func() { k.InverseDCT(b[:63:63], 8, new([64]int16)) },
			"pixels":   func() { k.ToRGB(b[:47:47], b[:16], b[:16], b[:16]) },
			"chroma":   func() { k.ToRGB(b[:48], b[:16], b[:15:15], b[:16]) },
			"sums":     func() { k.Mix(make([]uint16, 16), b[:16], b[:15:15]) },
			"doubled":  func() { k.Double(b[:31:31], make([]uint16, 18), 8, 7) },
			"row":      func() { k.Across(b[:3], b[:8:8], []int{1}, [][]int32{{1, 2}}) },
			"too left": func() { k.Across(b[:3], b[:9], []int{-1}, [][]int32{{1, 2}}) },
			"rows":     func() { k.Down(b[:32], [][]byte{b, b[:31:31]}, []int32{1, 2}) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: %s that are too short did not panic", k.Name, name)
					}
				}()
				call()
			}()
		}
	}
}

// The arguments of a photo of 640×480 pixels on its way to 224×224.
func BenchmarkKernels(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	const width = 640
	out, luma, cb, cr := make([]byte, 3*width), randomBytes(rng, width), randomBytes(rng, width), randomBytes(rng, width)
	in, sums := randomBytes(rng, 3*width), make([]uint16, width/2+2)
	starts, weights := make([]int, 224), make([][]int32, 224)
	for i := range starts {
		starts[i], weights[i] = 80+i*2, randomWeights(rng, 5)
	}
	rows := [][]byte{in, in[3:], in[6:], in[9:], in[12:]}
	var block [64]int16
	blocks(rng, 1, func(made *[64]int16) { block = *made })
	for _, k := range All() {
		for name, call := range map[string]func(){
			"inverse DCT of a block":   func() { k.InverseDCT(out, 8, &block) },
			"640 pixels to RGB":        func() { k.ToRGB(out, luma, cb, cr) },
			"320 samples mixed":        func() { k.Mix(sums[1:321], cb, cr) },
			"320 samples doubled":      func() { k.Double(out[:640], sums, 8, 7) },
			"224 pixels of 5 across":   func() { k.Across(out[:672], in, starts, weights) },
			"672 bytes of 5 rows down": func() { k.Down(out[:672], rows, weights[0]) },
		} {
			b.Run(name+"/"+k.Name, func(b *testing.B) {
				for b.Loop() {
					call()
				}
			})
		}
	}
}
