package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// maxLen is past four steps of the widest kernel loop.
const maxLen = 300

func TestDotRowsAgreesWithTheReferenceAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			for n := 0; n <= maxLen; n++ {
				for offset := range 16 {
					count, stride := 1+n%4, n+offset%5
					q, rows := guarded(rng, n, offset), guarded(rng, (count-1)*stride+n, (offset*7)%16)
					out := guarded(rng, count, offset)
					k.DotRows(out.data, q.data, rows.data, stride)
					for i, got := range out.data {
						want, bound := exact(q.data, rows.data[i*stride:][:n])
						if math.Abs(float64(got)-want) > bound {
							t.Fatalf("n=%d offset=%d row %d: got %v, want %v ± %v", n, offset, i, got, want, bound)
						}
					}
					out.check(t)
				}
			}
		})
	}
}

// exact returns the inner product in float64, and the bound n·u·Σ|a_i·b_i|
// (u = 2^-24, doubled) that any order of float32 additions keeps.
func exact(a, b []float32) (dot, bound float64) {
	for i := range a {
		p := float64(a[i]) * float64(b[i])
		dot += p
		bound += math.Abs(p)
	}
	return dot, bound * float64(len(a)+1) / (1 << 23)
}

// guardedSlice is a slice in a larger one full of NaN: a kernel that reads past
// its rows returns NaN, and one that writes past out overwrites a NaN. Bounds
// checks and the race detector see neither, as they do not look into assembly.
type guardedSlice struct {
	data, before, after []float32
}

const guard = 64

func guarded(rng *rand.Rand, n, offset int) guardedSlice {
	all := make([]float32, guard+offset+n+guard)
	for i := range all {
		all[i] = float32(math.NaN())
	}
	s := guardedSlice{data: all[guard+offset:][:n], before: all[:guard+offset], after: all[guard+offset+n:]}
	for i := range s.data {
		s.data[i] = float32(rng.NormFloat64())
	}
	return s
}

func (s guardedSlice) check(t *testing.T) {
	t.Helper()
	for _, side := range [][]float32{s.before, s.after} {
		for i, x := range side {
			if x == x {
				t.Fatalf("element %d beside the output was overwritten with %v", i, x)
			}
		}
	}
}

func TestDotRowsInt8IsExactAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			for n := 0; n <= maxLen; n++ {
				for offset := range 16 {
					count, stride := 1+n%4, n+offset%5
					q := bytesAt(rng, n, offset)
					rows := bytesAt(rng, (count-1)*stride+n, (offset*7)%16)
					all := make([]int32, count+2)
					const canary = 0x5ca1ab1e
					all[0], all[count+1] = canary, canary
					out := all[1 : count+1]
					k.DotRowsInt8(out, q, rows, stride)
					for i, got := range out {
						if want := exactInt8(q, rows[i*stride:][:n]); got != want {
							t.Fatalf("n=%d offset=%d row %d: got %d, want %d", n, offset, i, got, want)
						}
					}
					if all[0] != canary || all[count+1] != canary {
						t.Fatalf("n=%d: wrote beside the output", n)
					}
				}
			}
		})
	}
}

// Some kernels keep queries of these lengths in registers.
func TestDotRowsInt8IsExactAtTheDimensionsOfModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, k := range All() {
		for _, n := range []int{448, 512, 576, 640, 704, 768, 832, 1024} {
			for count := 1; count < 10; count++ {
				stride := n + 3*(count%2)
				q, rows, out := bytesAt(rng, n, count), bytesAt(rng, (count-1)*stride+n, 1), make([]int32, count)
				k.DotRowsInt8(out, q, rows, stride)
				for i, got := range out {
					if want := exactInt8(q, rows[i*stride:][:n]); got != want {
						t.Fatalf("%s, n=%d, row %d of %d: got %d, want %d", k.Name, n, i, count, got, want)
					}
				}
			}
		}
	}
}

// bytesAt returns n random elements inside a larger slice of random elements,
// so that reading past them shows in the sum. Every third element is an
// extreme: -128, -127 or 127.
func bytesAt(rng *rand.Rand, n, offset int) []int8 {
	all := make([]int8, guard+offset+n+guard)
	for i := range all {
		all[i] = int8(rng.IntN(256) - 128)
		if i%3 == 0 {
			all[i] = []int8{-128, -127, 127}[rng.IntN(3)]
		}
	}
	return all[guard+offset:][:n:n]
}

func exactInt8(a, b []int8) int32 {
	sum := int64(0)
	for i := range a {
		sum += int64(a[i]) * int64(b[i])
	}
	return int32(sum)
}

func TestDotRowsInt8HoldsTheExtremesOfTheLongestVectors(t *testing.T) {
	for _, pair := range [][2]int8{{-128, -128}, {-128, 127}, {127, 127}, {127, -128}} {
		q, row := make([]int8, MaxDim), make([]int8, MaxDim)
		for i := range q {
			q[i], row[i] = pair[0], pair[1]
		}
		for _, k := range All() {
			out := make([]int32, 1)
			k.DotRowsInt8(out, q, row, MaxDim)
			if want := int32(pair[0]) * int32(pair[1]) * MaxDim; out[0] != want {
				t.Errorf("%s: %d·%d over %d elements: got %d, want %d", k.Name, pair[0], pair[1], MaxDim, out[0], want)
			}
		}
	}
}

// Exact re-scoring needs the same bits from a row alone and within a block, at
// whatever address.
func TestDotRowsDoesNotDependOnTheBlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, k := range All() {
		for _, n := range []int{1, 7, 16, 63, 64, 100, 512, 768, 1024} {
			const count = 9
			q, rows := guarded(rng, n, 3).data, guarded(rng, count*n, 5).data
			block, alone := make([]float32, count), make([]float32, 1)
			k.DotRows(block, q, rows, n)
			for i := range count {
				k.DotRows(alone, q, append([]float32(nil), rows[i*n:][:n]...), n)
				if math.Float32bits(alone[0]) != math.Float32bits(block[i]) {
					t.Errorf("%s n=%d: row %d is %v alone and %v in a block", k.Name, n, i, alone[0], block[i])
				}
			}
		}
	}
}

func TestShortRowsPanicBeforeAKernelReadsThem(t *testing.T) {
	for _, k := range All() {
		for _, call := range []func(){
			func() { k.DotRows(make([]float32, 2), make([]float32, 8), make([]float32, 15), 8) },
			func() { k.DotRows(make([]float32, 2), make([]float32, 8), make([]float32, 16), -8) },
			func() { k.DotRowsInt8(make([]int32, 2), make([]int8, 8), make([]int8, 15), 8) },
			func() { k.DotRowsInt8(make([]int32, 1), make([]int8, MaxDim+1), make([]int8, MaxDim+1), 0) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: a short block did not panic", k.Name)
					}
				}()
				call()
			}()
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	out, q, rows := make([]float32, 4), make([]float32, 768), make([]float32, 4*768)
	out8, q8, rows8 := make([]int32, 4), make([]int8, 768), make([]int8, 4*768)
	for _, k := range All() {
		if n := testing.AllocsPerRun(10, func() {
			k.DotRows(out, q, rows, 768)
			k.DotRowsInt8(out8, q8, rows8, 768)
		}); n != 0 {
			t.Errorf("%s: %v allocations", k.Name, n)
		}
	}
}

// The block fits the second-level cache: this is the speed of the kernels, not
// of memory (see package flat for that).
func BenchmarkDotRows(b *testing.B) {
	const dim, count = 768, 256
	rng := rand.New(rand.NewPCG(7, 8))
	for _, k := range All() {
		b.Run(fmt.Sprintf("float32/dim=%d/impl=%s", dim, k.Name), func(b *testing.B) {
			out, q, rows := make([]float32, count), guarded(rng, dim, 0).data, guarded(rng, dim*count, 0).data
			b.SetBytes(4 * dim * count)
			for b.Loop() {
				k.DotRows(out, q, rows, dim)
			}
		})
		b.Run(fmt.Sprintf("int8/dim=%d/impl=%s", dim, k.Name), func(b *testing.B) {
			out, q, rows := make([]int32, count), bytesAt(rng, dim, 0), bytesAt(rng, dim*count, 0)
			b.SetBytes(dim * count)
			for b.Loop() {
				k.DotRowsInt8(out, q, rows, dim)
			}
		})
	}
}
