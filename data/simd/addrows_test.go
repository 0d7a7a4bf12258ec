package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every kernel gives the bits of the portable one at every width and offset, whatever the
// order of the rows, and writes nothing beside dst. The portable one is right.
func TestAddRowsAreTheSameBitsAtEveryWidthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for n := 0; n <= 3*32+8; n++ {
		const size = 7
		count := rng.IntN(2 * size)
		table, factors, start := guarded(rng, size*n, n%5).data, guarded(rng, count, n%3).data, guarded(rng, n, 0).data
		rows := make([]int32, count)
		sums := make([]float64, n)
		for j, x := range start {
			sums[j] = float64(x)
		}
		for i := range rows {
			rows[i] = int32(rng.IntN(size))
			for j := range sums {
				sums[j] += float64(factors[i]) * float64(table[int(rows[i])*n+j])
			}
		}
		want := append([]float32(nil), start...)
		portable.AddRows(want, factors, rows, table)
		for j, sum := range sums {
			if math.Abs(float64(want[j])-sum) > 1e-5 {
				t.Fatalf("width %d: element %d is %v, wanted about %v", n, j, want[j], sum)
			}
		}
		for _, k := range All() {
			got := guarded(rng, n, n%7)
			copy(got.data, start)
			k.AddRows(got.data, factors, rows, table)
			got.check(t)
			for j := range want {
				if math.Float32bits(got.data[j]) != math.Float32bits(want[j]) {
					t.Fatalf("%s, width %d: element %d is %v, wanted %v", k.Name, n, j, got.data[j], want[j])
				}
			}
		}
	}
}

func TestAddRowsOutsideTheTablePanics(t *testing.T) {
	for _, k := range All() {
		for _, rows := range [][]int32{{3}, {0, -1}} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: rows %v of a table of 3 are taken", k.Name, rows)
					}
				}()
				k.AddRows(make([]float32, 4), make([]float32, len(rows)), rows, make([]float32, 12))
			}()
		}
	}
}

func BenchmarkAddRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(33, 34))
	const width, size = 38, 256
	table, factors, rows, dst := make([]float32, width*size), make([]float32, 40), make([]int32, 40), make([]float32, width)
	for i := range rows {
		rows[i] = int32(rng.IntN(size))
	}
	for _, k := range All() {
		b.Run(k.Name, func(b *testing.B) {
			for b.Loop() {
				k.AddRows(dst, factors, rows, table)
			}
		})
	}
}
