package dense

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// positive returns XXᵀ + n·I.
func positive(rng *rand.Rand, n int) Matrix[float64] {
	x, a := random[float64](rng, n, n), New[float64](n, n)
	if err := (Product[float64]{C: a, A: x, B: x.T(), Sign: 1}).Add(context.Background()); err != nil {
		panic(err)
	}
	for i := range n {
		a.Row(i)[i] += float64(n)
	}
	return a
}

// The solutions are gonum's, and the upper triangle stays as it was.
func TestCholeskyIsGonums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 300).Draw(t, "n"), rapid.IntRange(1, 20).Draw(t, "m")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		a, b := positive(rng, n), random[float64](rng, n, m)
		var want mat.Cholesky
		if !want.Factorize(mat.NewSymDense(n, append([]float64(nil), a.Data...))) {
			t.Fatal("gonum finds no factor")
		}
		var solution mat.Dense
		if err := want.SolveTo(&solution, mat.NewDense(n, m, append([]float64(nil), b.Data...))); err != nil {
			t.Fatal(err)
		}
		before := append([]float64(nil), a.Data...)
		ctx := context.Background()
		f, err := Cholesky(ctx, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for j := i + 1; j < n; j++ {
				if a.At(i, j) != before[i*n+j] {
					t.Fatalf("element %d, %d above the diagonal was changed", i, j)
				}
			}
		}
		// L's lower right part gives the last rows of L⁻ᵀz from the last rows of z.
		from := AlignDown(n / 2)
		if err := f.Forward(ctx, b); err != nil {
			t.Fatal(err)
		}
		last := New[float64](n-from, m)
		for i := range last.Rows {
			copy(last.Row(i), b.Row(from+i))
		}
		if err := f.From(from).Backward(ctx, last); err != nil {
			t.Fatal(err)
		}
		if err := f.Backward(ctx, b); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for j := range m {
				near(t, "solution", b.At(i, j), solution.At(i, j), 1e-10)
				if i >= from {
					near(t, "last rows", last.At(i-from, j), solution.At(i, j), 1e-10)
				}
			}
		}
	})
}

func TestCholeskyRefusesWhatIsNotPositive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := random[float64](rng, 200, 150) // rank 150
	a := New[float64](200, 200)
	if err := (Product[float64]{C: a, A: x, B: x.T(), Sign: 1}).Add(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Cholesky(t.Context(), a, nil); !errors.Is(err, ErrNotPositive) {
		t.Errorf("got %v", err)
	}
}

// A factorisation and a solution end soon after their context.
func TestFactorEndsWithItsContext(t *testing.T) {
	a := positive(rand.New(rand.NewPCG(1, 2)), 1500)
	whole := append([]float64(nil), a.Data...)
	steps := 0
	for _, at := range []int{1, 7} {
		copy(a.Data, whole)
		ctx, cancel := context.WithCancel(t.Context())
		steps = 0
		start := time.Now()
		_, err := Cholesky(ctx, a, func(float64) {
			if steps++; steps == at {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || steps > at+1 {
			t.Errorf("cancelled at step %d, it returned %v after %d steps and %v", at, err, steps, time.Since(start))
		}
		cancel()
	}
}

// Products of float32 are summed in float64 within the triangle.
func TestAccumulate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a := random[float32](rng, 1200, 40)
	for _, which := range []Triangle{Whole, Upper, Lower} {
		c := New[float64](1200, 1200)
		c.Data[5] = 1
		for range 2 {
			if err := Accumulate(t.Context(), c, a, a.T(), which); err != nil {
				t.Fatal(err)
			}
		}
		for range 2000 {
			i, j := rng.IntN(1200), rng.IntN(1200)
			want := 0.0
			if which == Whole || which == Upper && j >= i || which == Lower && j <= i {
				for k, x := range a.Row(i) {
					want += 2 * float64(x) * float64(a.At(j, k))
				}
			}
			near(t, "element", c.At(i, j), want, 1e-5)
		}
	}
}

func BenchmarkCholesky(b *testing.B) {
	const n = 3000
	a := positive(rand.New(rand.NewPCG(1, 2)), n)
	whole := append([]float64(nil), a.Data...)
	for b.Loop() {
		copy(a.Data, whole)
		if _, err := Cholesky(b.Context(), a, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*n*n)/3*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
