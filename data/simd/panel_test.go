package simd

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// codesAt returns n random codes in [-127, 127], many of them extreme.
func codesAt(rng *rand.Rand, n int) []int8 {
	codes := make([]int8, n)
	for i := range codes {
		codes[i] = int8(rng.IntN(255) - 127)
		if i%3 == 0 {
			codes[i] = []int8{-127, 127}[rng.IntN(2)]
		}
	}
	return codes
}

func TestDotPanelIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			var p Panel // used again with other sizes
			for _, n := range []int{0, 1, 2, 3, 4, 5, 15, 64, 67, 100, 768} {
				for _, count := range []int{0, 1, 7, 8, 11, 12, 13, 27, 70} {
					stride := (n+3)/4*4 + count%3
					queries := make([][]int8, []int{1, 5, 31, Lanes}[count%4])
					for i := range queries {
						queries[i] = codesAt(rng, n)
					}
					rows := codesAt(rng, max(0, count-1)*stride+(n+3)/4*4)
					p.Set(queries)
					out := make([]int32, count*Lanes+1)
					out[count*Lanes] = 77
					k.DotPanel(out, &p, rows, stride, count)
					for i := range count {
						for lane, q := range queries {
							if got, want := out[i*Lanes+lane], exactInt8(q, rows[i*stride:][:n]); got != want {
								t.Fatalf("n=%d, row %d of %d, query %d of %d: got %d, want %d", n, i, count, lane, len(queries), got, want)
							}
						}
					}
					if out[count*Lanes] != 77 {
						t.Fatalf("n=%d, %d rows: wrote beside the output", n, count)
					}
				}
			}
		})
	}
}

// A bound that rounding may move across the limit is left open.
func TestReachComparesTheBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const count = 50
	dots, scales, residuals := make([]int32, count*Lanes), make([]float32, count), make([]float32, count)
	var b Bounds
	for lane := range Lanes {
		b.Scale[lane], b.Slope[lane], b.Offset[lane], b.Limit[lane] = rng.Float32()*1e-3, 1+rng.Float32(), rng.Float32()/10, rng.Float32()
	}
	b.Limit[3], b.Limit[20] = float32(math.Inf(1)), float32(math.Inf(-1))
	for i := range count {
		scales[i], residuals[i] = rng.Float32()*1e-3, rng.Float32()/10
		for lane := range Lanes {
			dots[i*Lanes+lane] = rng.Int32N(1_000_000) - 200_000
		}
	}
	for _, k := range All() {
		mask := make([]uint32, count)
		k.Reach(mask, dots, scales, residuals, &b)
		reached := 0
		for i, set := range mask {
			reached += bits.OnesCount32(set)
			for lane := range Lanes {
				upper := float64(dots[i*Lanes+lane])*float64(b.Scale[lane])*float64(scales[i]) + float64(b.Slope[lane])*float64(residuals[i]) + float64(b.Offset[lane])
				limit := float64(b.Limit[lane])
				if got := set>>lane&1 == 1; got != (upper >= limit) && math.Abs(upper-limit) > 1e-6 {
					t.Fatalf("%s: row %d, lane %d: bound %v, limit %v, reached: %v", k.Name, i, lane, upper, limit, got)
				}
			}
		}
		rows := make([]uint16, (count+15)/16)
		for lane := range Lanes {
			one := make([]int32, count)
			for i := range one {
				one[i] = dots[i*Lanes+lane]
			}
			rows[len(rows)-1] = 0xffff
			k.ReachRows(rows, one, scales, residuals, &Bound{b.Scale[lane], b.Slope[lane], b.Offset[lane], b.Limit[lane]})
			for i := range len(rows) * 16 {
				if got, want := rows[i/16]>>(i%16)&1 == 1, i < count && mask[i]>>lane&1 == 1; got != want {
					t.Fatalf("%s: row %d, lane %d: reached %v by itself, %v in the panel", k.Name, i, lane, got, want)
				}
			}
		}
		if reached < 100 || reached > count*Lanes-100 {
			t.Errorf("%s: %d of %d reach the limit, a test of little", k.Name, reached, count*Lanes)
		}
	}
}

// BenchmarkDotPanel multiplies 240 rows of 768 elements with 512 queries.
func BenchmarkDotPanel(b *testing.B) {
	const dim, count, panels = 768, 240, 16
	rng := rand.New(rand.NewPCG(9, 10))
	rows := codesAt(rng, count*dim)
	set := make([]Panel, panels)
	for i := range set {
		queries := make([][]int8, Lanes)
		for j := range queries {
			queries[j] = codesAt(rng, dim)
		}
		set[i].Set(queries)
	}
	out := make([]int32, count*Lanes)
	for _, k := range All() {
		b.Run(fmt.Sprintf("rows=%d/queries=%d/dim=%d/impl=%s", count, panels*Lanes, dim, k.Name), func(b *testing.B) {
			for b.Loop() {
				for i := range set {
					k.DotPanel(out, &set[i], rows, dim, count)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(count*panels*Lanes), "ns/product")
		})
	}
}
