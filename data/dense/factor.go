package dense

import (
	"context"
	"errors"
	"math"
)

// ErrNotPositive reports a matrix that is not positive definite, as far as double
// precision can tell.
var ErrNotPositive = errors.New("not positive definite")

// leaf is the size of the blocks that are not divided further. Matrices and
// solutions may be cut at its multiples (Factor.From).
const leaf = 64

// Factor is the Cholesky factor L of a matrix A = LLᵀ.
type Factor struct {
	lower   Matrix[float64] // L in its lower triangle
	inverse []float64       // of the blocks on the diagonal, leaf × leaf each
	done    func(flops float64)
}

// Cholesky replaces the lower triangle of a, with its diagonal, by the Cholesky
// factor of the symmetric matrix that it holds, and leaves what is above the
// diagonal as it is. The factor shares a's elements. done, if not nil, is told
// how many operations each product of this factor has taken.
func Cholesky(ctx context.Context, a Matrix[float64], done func(flops float64)) (*Factor, error) {
	if done == nil {
		done = func(float64) {}
	}
	f := &Factor{lower: a, inverse: make([]float64, (a.Rows+leaf-1)/leaf*leaf*leaf), done: done}
	if err := f.factorize(ctx, 0, a.Rows); err != nil {
		return nil, err
	}
	return f, nil
}

// From returns the factor of the rows and columns from i on, a multiple of 64 that
// AlignDown gives: L's lower right part, which is the factor of a Schur complement.
func (f *Factor) From(i int) *Factor {
	n := f.lower.Rows
	return &Factor{lower: f.lower.Slice(i, n, i, n), inverse: f.inverse[i*leaf:], done: f.done}
}

// AlignDown returns the last row not behind i where a factor can be cut.
func AlignDown(i int) int { return i / leaf * leaf }

// half returns where to divide i ≤ row < k.
func half(i, k int) int { return i + (k-i+2*leaf-1)/(2*leaf)*leaf }

func (f *Factor) factorize(ctx context.Context, i, k int) error {
	if k-i <= leaf {
		return f.factorizeLeaf(i, k)
	}
	h := half(i, k)
	if err := f.factorize(ctx, i, h); err != nil {
		return err
	}
	below := f.lower.Slice(h, k, i, h)
	if err := f.solveRight(ctx, below, i, h); err != nil {
		return err
	}
	if err := f.subtract(ctx, Product[float64]{C: f.lower.Slice(h, k, h, k), A: below, B: below.T(), Part: Lower}); err != nil {
		return err
	}
	return f.factorize(ctx, h, k)
}

// factorizeLeaf factorises a block on the diagonal row by row, and inverts it.
func (f *Factor) factorizeLeaf(i, k int) error {
	l, n := f.lower.Slice(i, k, i, k), k-i
	inverse := f.leafInverse(i, n)
	for r := range n {
		row := l.Row(r)
		before := row[r]
		for c := range r + 1 {
			sum, other := row[c], l.Row(c)
			for q := range c {
				sum -= row[q] * other[q]
			}
			if c < r {
				row[c] = sum / other[c]
				continue
			}
			if !(sum > float64(f.lower.Rows)*0x1p-53*before) || math.IsInf(sum, 1) {
				return ErrNotPositive
			}
			row[r] = math.Sqrt(sum)
		}
		for c := range r + 1 {
			sum := 0.0
			if c == r {
				sum = 1
			}
			for q := c; q < r; q++ {
				sum -= row[q] * inverse.At(q, c)
			}
			inverse.Row(r)[c] = sum / row[r]
		}
	}
	return nil
}

func (f *Factor) leafInverse(i, n int) Matrix[float64] {
	return Matrix[float64]{Rows: n, Cols: n, RowStep: leaf, ColStep: 1, Data: f.inverse[i*leaf:]}
}

// solveRight replaces b by b·L⁻ᵀ for rows and columns i to k of L.
func (f *Factor) solveRight(ctx context.Context, b Matrix[float64], i, k int) error {
	if k-i <= leaf {
		return f.multiply(ctx, b, f.leafInverse(i, k-i).T(), true)
	}
	h := half(i, k)
	left, right := b.Slice(0, b.Rows, 0, h-i), b.Slice(0, b.Rows, h-i, k-i)
	if err := f.solveRight(ctx, left, i, h); err != nil {
		return err
	}
	if err := f.subtract(ctx, Product[float64]{C: right, A: left, B: f.lower.Slice(h, k, i, h).T()}); err != nil {
		return err
	}
	return f.solveRight(ctx, right, h, k)
}

// Forward replaces b, [n, m], by L⁻¹b.
func (f *Factor) Forward(ctx context.Context, b Matrix[float64]) error {
	return f.forward(ctx, b, 0, f.lower.Rows)
}

func (f *Factor) forward(ctx context.Context, b Matrix[float64], i, k int) error {
	if k-i <= leaf {
		return f.multiply(ctx, b.Slice(i, k, 0, b.Cols), f.leafInverse(i, k-i), false)
	}
	h := half(i, k)
	if err := f.forward(ctx, b, i, h); err != nil {
		return err
	}
	if err := f.subtract(ctx, Product[float64]{
		C: b.Slice(h, k, 0, b.Cols), A: f.lower.Slice(h, k, i, h), B: b.Slice(i, h, 0, b.Cols),
	}); err != nil {
		return err
	}
	return f.forward(ctx, b, h, k)
}

// Backward replaces b, [n, m], by L⁻ᵀb. After Forward that is A⁻¹b.
func (f *Factor) Backward(ctx context.Context, b Matrix[float64]) error {
	return f.backward(ctx, b, 0, f.lower.Rows)
}

func (f *Factor) backward(ctx context.Context, b Matrix[float64], i, k int) error {
	if k-i <= leaf {
		return f.multiply(ctx, b.Slice(i, k, 0, b.Cols), f.leafInverse(i, k-i).T(), false)
	}
	h := half(i, k)
	if err := f.backward(ctx, b, h, k); err != nil {
		return err
	}
	if err := f.subtract(ctx, Product[float64]{
		C: b.Slice(i, h, 0, b.Cols), A: f.lower.Slice(h, k, i, h).T(), B: b.Slice(h, k, 0, b.Cols),
	}); err != nil {
		return err
	}
	return f.backward(ctx, b, i, h)
}

// subtract computes C -= A·B.
func (f *Factor) subtract(ctx context.Context, p Product[float64]) error {
	p.Sign = -1
	flops := 2 * float64(p.C.Rows) * float64(p.C.Cols) * float64(p.A.Cols)
	if p.Part != Whole {
		flops /= 2
	}
	err := p.Add(ctx)
	f.done(flops)
	return err
}

// multiply replaces b by m·b, or by b·m where right is true.
func (f *Factor) multiply(ctx context.Context, b, m Matrix[float64], right bool) error {
	w := workspaces[float64]().Get().(*workspace[float64])
	defer workspaces[float64]().Put(w)
	copied := Matrix[float64]{Rows: b.Rows, Cols: b.Cols, RowStep: b.Cols, ColStep: 1, Data: resized(&w.sum, b.Rows*b.Cols)}
	for i := range b.Rows {
		copy(copied.Row(i), b.Row(i))
		clear(b.Row(i))
	}
	p := Product[float64]{C: b, A: m, B: copied, Sign: 1}
	if right {
		p.A, p.B = copied, m
	}
	return p.Add(ctx)
}
