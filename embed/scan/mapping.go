package scan

import (
	"fmt"

	"engram/embed"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// mapping is what a metric does with scores along the components: one linear map of
// an image's scores and one of a prediction's. Their inner product is a cosine, or,
// with the variances of the errors, a likelihood.
type mapping struct {
	likelihood  bool
	item, query blas32.General // [rank, K]
	shift       []float32      // [K], added to a mapped prediction
	fixed       []float32      // [K], variance of the error that repeats of an image share
	trial       []float32      // [K], variance of the error of one trial, which averages out
}

// images returns the coordinates of images, [n, K], from their scores, [n, rank].
func (m *mapping) images(scores blas32.General) (blas32.General, error) {
	out := product(scores, m.item)
	if m.likelihood {
		return out, nil
	}
	return out, unit(out)
}

// queries returns the queries, [n, K], of predicted scores, [n, rank], each from the
// mean of so many scans.
func (m *mapping) queries(scores blas32.General, repeats int) (blas32.General, error) {
	out := product(scores, m.query)
	if !m.likelihood {
		return out, unit(out)
	}
	for k, shift := range m.shift {
		precision := m.precision(k, repeats)
		for i := range out.Rows {
			x := &out.Data[i*out.Stride+k]
			*x = (*x + shift) * precision
		}
	}
	return out, nil
}

// offsets returns −½Σw·u² of each image's coordinates u, [n, K], with the precisions
// w: what is left of the normal density beside the inner product.
func (m *mapping) offsets(coordinates blas32.General, repeats int) []float32 {
	if !m.likelihood {
		return nil
	}
	out := make([]float32, coordinates.Rows)
	for i := range out {
		var sum float64
		for k, u := range matrix.Row(coordinates, i) {
			sum += float64(m.precision(k, repeats)) * float64(u) * float64(u)
		}
		out[i] = float32(-sum / 2)
	}
	return out
}

// precision returns one over the variance of coordinate k in the mean of so many
// scans: the error of a trial averages out, the other one does not.
func (m *mapping) precision(k, repeats int) float32 {
	return 1 / (m.fixed[k] + m.trial[k]/float32(repeats))
}

// cosine returns the mapping that weighs each score of an image, and of a
// prediction, by a factor of its own before the cosine.
func cosine(item, query []float32) *mapping {
	return &mapping{item: diagonal(item), query: diagonal(query)}
}

// whitened returns the mapping that divides the scores of images, [images, rank],
// and of predictions, [trials, rank], by their root mean squares over the training
// set.
func whitened(seen, leftOut blas32.General) *mapping {
	return cosine(standards(seen), standards(leftOut))
}

// standards returns one over the root mean square of each column, 0 for a column of
// zeros.
func standards(scores blas32.General) []float32 { return standardise(matrix.Clone(scores)) }

// diagonal returns the square matrix with these values on its diagonal.
func diagonal(values []float32) blas32.General {
	m := matrix.New(len(values), len(values))
	for k, v := range values {
		m.Data[k*m.Stride+k] = v
	}
	return m
}

// unit scales the rows of m to unit length in place.
func unit(m blas32.General) error {
	for i := range m.Rows {
		if err := embed.Normalize(matrix.Row(m, i)); err != nil {
			return fmt.Errorf("metric: row %d: %w", i, err)
		}
	}
	return nil
}

// product returns a·b.
func product(a, b blas32.General) blas32.General {
	out := matrix.New(a.Rows, b.Cols)
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, out)
	return out
}
