package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sameBits reports whether the numbers are the same, bit by bit.
func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// Every kernel gives the bits of the portable one, whatever the length and the
// address, and that one is right.
func TestSquaresAreTheSameBitsAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for n := 0; n <= maxLen; n++ {
		v := guarded(rng, n, n%16).data
		sum := 0.
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		want := portable.Squares(v)
		if math.Abs(want-sum) > sum*float64(n)/(1<<52) {
			t.Fatalf("n=%d: got %v, want about %v", n, want, sum)
		}
		for _, k := range All() {
			if got := k.Squares(v); !sameBits(got, want) {
				t.Fatalf("%s n=%d: got %v, want %v", k.Name, n, got, want)
			}
		}
	}
}

func TestSquaresOfExtremes(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, k := range All() {
		for n := 1; n <= 33; n++ {
			v := make([]float32, n)
			for at := range v {
				for x, want := range map[float32]float64{
					math.MaxFloat32: math.MaxFloat32 * math.MaxFloat32, inf: math.Inf(1), -inf: math.Inf(1),
					math.SmallestNonzeroFloat32: math.SmallestNonzeroFloat32 * math.SmallestNonzeroFloat32,
				} {
					v[at] = x
					if got := k.Squares(v); !sameBits(got, want) {
						t.Fatalf("%s: %v at %d of %d: got %v, want %v", k.Name, x, at, n, got, want)
					}
				}
				if v[at] = nan; !math.IsNaN(k.Squares(v)) {
					t.Fatalf("%s: NaN at %d of %d is lost", k.Name, at, n)
				}
				v[at] = 0
			}
		}
	}
}

func TestScaleRoundsOnceAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, k := range All() {
		for n := 0; n <= maxLen; n++ {
			for _, factor := range []float64{1, 1. / 3, 1e-45, 1e300, math.Pi} {
				v, dst := guarded(rng, n, n%16).data, guarded(rng, n, n*7%16)
				k.Scale(dst.data, v, factor)
				for i, x := range v {
					if want := float32(float64(x) * factor); dst.data[i] != want {
						t.Fatalf("%s n=%d: element %d is %v, want %v", k.Name, n, i, dst.data[i], want)
					}
				}
				dst.check(t)
				again := slices.Clone(v)
				if k.Scale(again, again, factor); !slices.Equal(again, dst.data) {
					t.Fatalf("%s n=%d: another result in place", k.Name, n)
				}
			}
		}
	}
}

func TestLargestIsFoundEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, k := range All() {
		if got := k.Largest(nil); got != 0 {
			t.Errorf("%s: nothing has the magnitude %v", k.Name, got)
		}
		for n := 1; n <= maxLen; n++ {
			v := guarded(rng, n, n%16).data
			for at := range v {
				before := v[at]
				for _, x := range []float32{-100, math.MaxFloat32, float32(math.Inf(-1))} {
					v[at] = x
					if got := k.Largest(v); got != float32(math.Abs(float64(x))) {
						t.Fatalf("%s: %v at %d of %d: got %v", k.Name, x, at, n, got)
					}
				}
				v[at] = before
			}
		}
	}
}

// vectorsToCode are vectors of n elements of all magnitudes, with multiples of a
// half of their scale among them.
func vectorsToCode(rng *rand.Rand, n int) (list [][]float32) {
	for _, size := range []float32{1, 1e-3, math.MaxFloat32 / 1000, 1e-37, 1e-43} {
		v := guarded(rng, n, rng.IntN(16)).data
		for i := range v {
			if v[i] *= size; i%3 == 0 {
				v[i] = (float32(rng.IntN(255)-127) + .5) * size
			}
		}
		v[rng.IntN(n)] = 127.5 * size
		list = append(list, v)
	}
	return list
}

func TestCodesAreTheSameAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for n := 1; n <= maxLen; n++ {
		for _, v := range vectorsToCode(rng, n) {
			scale := portable.Largest(v) / 127
			want := make([]int8, n)
			left := portable.Code(want, v, scale)
			checkCode(t, want, v, scale, left)
			for _, k := range All() {
				all := bytesAt(rng, n+2, n%16)
				before, after := all[0], all[n+1]
				got := all[1 : n+1]
				if sum := k.Code(got, v, scale); !sameBits(sum, left) {
					t.Fatalf("%s n=%d scale=%v: leaves %v, want %v", k.Name, n, scale, sum, left)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s n=%d scale=%v: got %v, want %v", k.Name, n, scale, got, want)
				}
				if all[0] != before || all[n+1] != after {
					t.Fatalf("%s n=%d: wrote beside the code", k.Name, n)
				}
			}
		}
	}
}

// checkCode compares a code with its definition.
func checkCode(t *testing.T, code []int8, v []float32, scale float32, left float64) {
	t.Helper()
	sum := 0.
	for i, x := range v {
		want := math.RoundToEven(float64(x) * (1 / float64(scale)))
		if want = max(-127, min(127, want)); float64(code[i]) != want {
			t.Fatalf("%v/%v has the code %d, want %v", x, scale, code[i], want)
		}
		r := float64(x) - float64(scale)*want
		sum += r * r
	}
	if math.Abs(left-sum) > sum*float64(len(v))/(1<<51) {
		t.Fatalf("%d elements leave %v, want about %v", len(v), left, sum)
	}
}

func TestAShortDestinationPanicsBeforeAKernelWrites(t *testing.T) {
	for _, k := range All() {
		for _, call := range []func(){
			func() { k.Scale(make([]float32, 7), make([]float32, 8), 1) },
			func() { k.Code(make([]int8, 7), make([]float32, 8), 1) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: a short destination did not panic", k.Name)
					}
				}()
				call()
			}()
		}
	}
}

// A row as it is added to an index: normed, scaled and coded.
func BenchmarkAdd(b *testing.B) {
	const dim = 512
	v := guarded(rand.New(rand.NewPCG(19, 20)), dim, 0).data
	unit, code := make([]float32, dim), make([]int8, dim)
	for _, k := range All() {
		for name, do := range map[string]func(){
			"squares": func() { k.Squares(v) },
			"scale":   func() { k.Scale(unit, v, .1) },
			"largest": func() { k.Largest(v) },
			"code":    func() { k.Code(code, v, .03) },
		} {
			b.Run(fmt.Sprintf("%s/dim=%d/impl=%s", name, dim, k.Name), func(b *testing.B) {
				b.SetBytes(4 * dim)
				for b.Loop() {
					do()
				}
			})
		}
	}
}
