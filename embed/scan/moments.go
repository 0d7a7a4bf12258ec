package scan

import (
	"runtime"

	"engram/embed/internal/matrix"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// moments are the sums over trials that a ridge regression is solved from. The
// moments of all trials less the moments of a fold are the moments of the other
// trials. So one pass over the trials serves the ridges that leave one fold out
// each.
type moments struct {
	n  int
	x  *mat.VecDense // Σx, [V]
	y  *mat.VecDense // Σy, [D]
	xx *mat.Dense    // Σxxᵀ, [V, V]; only the upper triangle is right
	xy *mat.Dense    // Σxyᵀ, [V, D]
}

// Products are summed in float32 over chunkTrials trials, and these sums in
// float64. A sum over 256 trials has an error of about 1e-6 of its size, and
// products in float32 are twice as fast.
const (
	chunkTrials = 256
	chunkVoxels = 512 // of a block of Σxxᵀ
)

// newMoments sums over trials of voxels, [trials, V], and targets, [trials, D].
// Voxels are z-scored: where means are large beside deviations, float32 loses
// digits.
func newMoments(voxels, targets blas32.General) *moments {
	v, d := voxels.Cols, targets.Cols
	m := &moments{
		n: voxels.Rows, x: mat.NewVecDense(v, nil), y: mat.NewVecDense(d, nil),
		xx: mat.NewDense(v, v, nil), xy: mat.NewDense(v, d, nil),
	}
	for from := 0; from < voxels.Rows; from += chunkTrials {
		to := min(from+chunkTrials, voxels.Rows)
		x, y := matrix.Part(voxels, from, to), matrix.Part(targets, from, to)
		addColumns(m.x, x)
		addColumns(m.y, y)
		for i := 0; i < v; i += chunkVoxels {
			rows := columns(x, i, min(i+chunkVoxels, v))
			addProduct(m.xx, i, i, rows, columns(x, i, v))
			addProduct(m.xy, i, 0, rows, y)
		}
	}
	return m
}

// columns returns some columns of a matrix, which they share.
func columns(m blas32.General, from, to int) blas32.General {
	return blas32.General{Rows: m.Rows, Cols: to - from, Stride: m.Stride, Data: m.Data[from:]}
}

// addColumns adds the rows of m to sum.
func addColumns(sum *mat.VecDense, m blas32.General) {
	for i := range m.Rows {
		for j, x := range matrix.Row(m, i) {
			sum.SetVec(j, sum.AtVec(j)+float64(x))
		}
	}
}

// addProduct adds aᵀb to sum at row i and column j.
func addProduct(sum *mat.Dense, i, j int, a, b blas32.General) {
	product := matrix.New(a.Cols, b.Cols)
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, a, b, 0, product)
	for r := range product.Rows {
		dst := sum.RawRowView(i + r)[j:]
		for c, p := range matrix.Row(product, r) {
			dst[c] += float64(p)
		}
	}
}

// add adds f times the sums of another set of trials: 1 takes them in, -1 out.
func (m *moments) add(f int, o *moments) {
	m.n += f * o.n
	share := float64(f)
	m.x.AddScaledVec(m.x, share, o.x)
	m.y.AddScaledVec(m.y, share, o.y)
	for _, sums := range [][2]*mat.Dense{{m.xx, o.xx}, {m.xy, o.xy}} {
		to, from := sums[0].RawMatrix(), sums[1].RawMatrix()
		blas64.Axpy(share, blas64.Vector{N: len(from.Data), Inc: 1, Data: from.Data}, blas64.Vector{N: len(to.Data), Inc: 1, Data: to.Data})
	}
}

// ridge solves the regression of penalty λ: (Σ(x-x̄)(x-x̄)ᵀ + λI)⁻¹Σ(x-x̄)(y-ȳ)ᵀ.
func (m *moments) ridge(lambda float64) (*Ridge, error) {
	v, d := m.xy.Dims()
	inverse := 1 / float64(m.n)
	gram := mat.NewSymDense(v, nil)
	for i := range v {
		from, to := m.xx.RawRowView(i), gram.RawSymmetric().Data[i*v:]
		mean := m.x.AtVec(i) * inverse
		for j := i; j < v; j++ {
			to[j] = from[j] - mean*m.x.AtVec(j)
		}
		to[i] += lambda
	}
	right := mat.NewDense(v, d, nil)
	right.RankOne(m.xy, -inverse, m.x, m.y)
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return nil, notPositive(lambda)
	}
	if err := solved(solveColumns(&chol, right), lambda); err != nil {
		return nil, err
	}
	r := &Ridge{Lambda: lambda, Weights: matrix.New(v, d), VoxelMean: make([]float32, v), TargetMean: make([]float32, d)}
	for i := range v {
		r.VoxelMean[i] = float32(m.x.AtVec(i) * inverse)
		copy(matrix.Row(r.Weights, i), float32s(right.RawRowView(i)))
	}
	for j := range d {
		r.TargetMean[j] = float32(m.y.AtVec(j) * inverse)
	}
	return r, nil
}

// solveColumns replaces b by the solution of chol·x = b, some columns at a time:
// so many stay in a processor's cache, and each processor has its own.
func solveColumns(chol *mat.Cholesky, b *mat.Dense) error {
	const block = 64
	n, cols := b.Dims()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < cols; from += block {
		part := b.Slice(0, n, from, min(from+block, cols)).(*mat.Dense)
		group.Go(func() error {
			x := mat.DenseCopyOf(part)
			err := chol.SolveTo(x, x)
			part.Copy(x)
			return err
		})
	}
	return group.Wait()
}
