package scan

import (
	"context"

	"engram/data/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// scoreMoments are sums over images that the likelihood of predicted scores is
// fitted from. The sums of all images less the sums of a fold are the sums of the
// other images.
type scoreMoments struct {
	images  float64
	inverse float64    // Σ1/r over images, r being an image's trials
	freedom float64    // Σ(r−1)
	z, p    *mat.Dense // sums of the images' scores, and of their mean predictions, [1, rank]
	zz, zp  *mat.Dense // Σzzᵀ and Σzpᵀ, [rank, rank]
	pp      *mat.Dense // Σppᵀ
	within  *mat.Dense // Σ over trials of the products of their deviations from the image's mean prediction
}

// newScoreMoments sums over groups of trials of one image each. predicted is
// [trials, rank] and seen what each trial saw, [trials, rank].
func newScoreMoments(predicted, seen blas32.General, groups [][]int) *scoreMoments {
	rank := predicted.Cols
	z, p := mat.NewDense(len(groups), rank, nil), mat.NewDense(len(groups), rank, nil)
	m := &scoreMoments{images: float64(len(groups))}
	var deviations []float64
	for g, trials := range groups {
		r := float64(len(trials))
		m.inverse += 1 / r
		m.freedom += r - 1
		mean := p.RawRowView(g)
		for _, trial := range trials {
			for k, x := range matrix.Row(predicted, trial) {
				mean[k] += float64(x) / r
			}
		}
		for k, x := range matrix.Row(seen, trials[0]) {
			z.Set(g, k, float64(x))
		}
		if len(trials) == 1 {
			continue
		}
		for _, trial := range trials {
			for k, x := range matrix.Row(predicted, trial) {
				deviations = append(deviations, float64(x)-mean[k])
			}
		}
	}
	m.z, m.p = columnSums(z), columnSums(p)
	m.zz, m.zp, m.pp = products(z, z), products(z, p), products(p, p)
	m.within = mat.NewDense(rank, rank, nil)
	if n := len(deviations) / rank; n > 0 {
		d := mat.NewDense(n, rank, deviations)
		m.within = products(d, d)
	}
	return m
}

// products returns aᵀb.
func products(a, b *mat.Dense) *mat.Dense {
	_, rows := a.Dims()
	_, cols := b.Dims()
	out := dense.New[float64](rows, cols)
	p := dense.Product[float64]{C: out, A: denseView(a).T(), B: denseView(b), Sign: 1}
	_ = p.Add(context.Background()) // fails where its context ends
	return mat.NewDense(rows, cols, out.Data)
}

// denseView returns a matrix that shares m's elements.
func denseView(m *mat.Dense) dense.Matrix[float64] {
	raw := m.RawMatrix()
	return dense.Matrix[float64]{Rows: raw.Rows, Cols: raw.Cols, RowStep: raw.Stride, ColStep: 1, Data: raw.Data}
}

func columnSums(m *mat.Dense) *mat.Dense {
	rows, _ := m.Dims()
	ones := mat.NewDense(rows, 1, nil)
	for i := range rows {
		ones.Set(i, 0, 1)
	}
	return products(ones, m)
}

// covariances returns the covariances over images of the first rank scores with
// themselves, of the scores with the mean predictions, and of the mean predictions.
func (m *scoreMoments) covariances(rank int) (zz, zp, pp *mat.Dense) {
	of := func(sum, a, b *mat.Dense) *mat.Dense {
		var out mat.Dense
		out.Mul(leading(a, 1, rank).T(), leading(b, 1, rank))
		out.Scale(-1/m.images, &out)
		out.Add(&out, leading(sum, rank, rank))
		out.Scale(1/m.images, &out)
		return &out
	}
	return of(m.zz, m.z, m.z), of(m.zp, m.z, m.p), of(m.pp, m.p, m.p)
}

// leading returns the first rows and columns, which it shares.
func leading(m *mat.Dense, rows, cols int) mat.Matrix { return m.Slice(0, rows, 0, cols) }
