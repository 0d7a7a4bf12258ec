package dense

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func random[T Float](rng *rand.Rand, rows, cols int) Matrix[T] {
	m := New[T](rows, cols)
	for i := range m.Data {
		m.Data[i] = T(rng.NormFloat64())
	}
	return m
}

// near wants two numbers to differ by no more than tolerance of their size or 1.
func near(t interface{ Fatalf(string, ...any) }, what string, got, want, tolerance float64) {
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// Every kernel adds what the definition of the product says, for tiles and their
// edges, and writes no element outside of the triangle.
func TestProductIsItsDefinition(t *testing.T) {
	t.Run("float32", func(t *testing.T) { productIsItsDefinition[float32](t, 1e-4) })
	t.Run("float64", func(t *testing.T) { productIsItsDefinition[float64](t, 1e-12) })
}

func productIsItsDefinition[T Float](t *testing.T, tolerance float64) {
	for _, kernel := range kernels[T]() {
		t.Run(kernel.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				size := rapid.IntRange(1, 70)
				rows, cols, depth := size.Draw(t, "rows"), size.Draw(t, "cols"), rapid.IntRange(1, 300).Draw(t, "depth")
				which := Triangle(rapid.IntRange(0, 2).Draw(t, "part"))
				if which != Whole {
					cols = rows
				}
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				a, b := random[T](rng, rows, depth), random[T](rng, depth, cols)
				if rapid.Bool().Draw(t, "transposed a") {
					a = random[T](rng, depth, rows).T()
				}
				if rapid.Bool().Draw(t, "transposed b") {
					b = random[T](rng, cols, depth).T()
				}
				c := random[T](rng, rows, cols+3).Slice(0, rows, 1, 1+cols)
				before := append([]T(nil), c.Data...)
				p := Product[T]{C: c, A: a, B: b, Sign: -2, Part: which}
				w := newWorkspace[T]()
				for d := 0; d < depth; d += blockDepth {
					e := min(d+blockDepth, depth)
					w.add(kernel, part[T]{p, a.Slice(0, rows, d, e), b.Slice(d, e, 0, cols), 0, 0})
				}
				for i := range rows {
					for j := range cols {
						want := float64(before[i*c.RowStep+j])
						if which == Whole || which == Upper && j >= i || which == Lower && j <= i {
							for k := range depth {
								want -= 2 * float64(a.At(i, k)) * float64(b.At(k, j))
							}
						}
						near(t, fmt.Sprintf("element %d, %d", i, j), float64(c.At(i, j)), want, tolerance*float64(depth))
					}
				}
			})
		})
	}
}

func TestProductOfManyBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a := random[float64](rng, 1100, 300)
	for _, which := range []Triangle{Whole, Upper, Lower} {
		c := New[float64](1100, 1100)
		if err := (Product[float64]{C: c, A: a, B: a.T(), Sign: 1, Part: which}).Add(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			i, j := rng.IntN(1100), rng.IntN(1100)
			want := 0.0
			if which == Whole || which == Upper && j >= i || which == Lower && j <= i {
				for k, x := range a.Row(i) {
					want += x * a.At(j, k)
				}
			}
			near(t, fmt.Sprintf("element %d, %d", i, j), c.At(i, j), want, 1e-12)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Product[float64]{C: New[float64](1100, 1100), A: a, B: a.T(), Sign: 1}).Add(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled product returned %v", err)
	}
}

func BenchmarkProduct(b *testing.B) {
	b.Run("float32", benchmarkProduct[float32])
	b.Run("float64", benchmarkProduct[float64])
}

func benchmarkProduct[T Float](b *testing.B) {
	const n = 2048
	rng := rand.New(rand.NewPCG(1, 2))
	x, c := random[T](rng, n, n), New[T](n, n)
	for b.Loop() {
		if err := (Product[T]{C: c, A: x, B: x.T(), Sign: 1}).Add(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*n*n*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
