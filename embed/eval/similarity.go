package eval

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"engram/embed"
	"engram/embed/internal/matrix"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Metric compares two embeddings; more is nearer.
type Metric int

// The metrics.
const (
	Pearson Metric = iota // correlation of the D elements of two embeddings
	Cosine                // cosine of the angle between them
)

func imageNames() matrix.Names { return matrix.Names{Matrix: "images", Row: "row", Col: "element"} }
func predictedNames() matrix.Names {
	return matrix.Names{Matrix: "predictions", Row: "row", Col: "element"}
}

// Similarity compares all images, [n, D], with all predictions, [m, D], and
// returns [n, m], accumulated in double precision: equal embeddings are exactly
// equally similar. It refuses NaN and infinite elements, and embeddings without
// a direction: zero for Cosine, all elements equal for Pearson.
func Similarity(ctx context.Context, metric Metric, images, predicted blas32.General) (*mat.Dense, error) {
	rows, err := newRows(images, metric, imageNames())
	if err != nil {
		return nil, err
	}
	cols, err := newRows(predicted, metric, predictedNames())
	if err != nil {
		return nil, err
	}
	if images.Cols != predicted.Cols {
		return nil, fmt.Errorf("similarity: images have %d elements, predictions %d", images.Cols, predicted.Cols)
	}
	sim := mat.NewDense(images.Rows, predicted.Rows, nil)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range images.Rows {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			row := sim.RawRowView(i)
			for j := range row {
				row[j] = rows.dot(i, cols, j) / (rows.length[i] * cols.length[j])
			}
			return nil
		})
	}
	return sim, group.Wait()
}

// Compare compares all images, [m, D], with all predictions, [n, D], by Pearson's
// r after mean, [D], is taken away from both, and returns [m, n]. mean is the mean
// embedding of the decoder's training images; without one, where mean is nil,
// nothing is taken away.
func Compare(ctx context.Context, images, predicted blas32.General, mean []float32) (*mat.Dense, error) {
	if mean != nil {
		var err error
		if images, err = center(images, mean); err != nil {
			return nil, err
		}
		if predicted, err = center(predicted, mean); err != nil {
			return nil, err
		}
	}
	return Similarity(ctx, Pearson, images, predicted)
}

// LogPosterior turns log-likelihoods of images, [m, n], images by predictions, into the
// logarithms of the images' probabilities given each prediction, in place: it takes
// the logarithm of the sum of the likelihoods from each column.
func LogPosterior(sim *mat.Dense) {
	_, n := sim.Dims()
	for j := range n {
		column := mat.Col(nil, j, sim)
		evidence := floats.LogSumExp(column)
		floats.AddConst(-evidence, column)
		sim.SetCol(j, column)
	}
}

// UnitTokens returns a copy of embeddings, [n, T·D], whose tokens of d elements each
// have unit length: the cosine of two such rows is the mean of the cosines of their
// tokens. It refuses tokens without a direction (embed.ErrZero).
func UnitTokens(m blas32.General, d int) (blas32.General, error) {
	if err := matrix.Check(m, matrix.Names{Matrix: "embeddings", Row: "row", Col: "element"}); err != nil {
		return blas32.General{}, err
	}
	if d < 1 || m.Cols%d != 0 {
		return blas32.General{}, fmt.Errorf("tokens: wanted rows of whole tokens of %d elements, found rows of %d", d, m.Cols)
	}
	out := matrix.Clone(m)
	for i := range out.Rows {
		for token := range slices.Chunk(matrix.Row(out, i), d) {
			if err := embed.Normalize(token); err != nil {
				return blas32.General{}, fmt.Errorf("embeddings: row %d: %w", i, err)
			}
		}
	}
	return out, nil
}

// center returns a copy of m, [n, D], less mean, [D].
func center(m blas32.General, mean []float32) (blas32.General, error) {
	if err := matrix.Check(m, matrix.Names{Matrix: "embeddings", Row: "row", Col: "element"}); err != nil {
		return blas32.General{}, err
	}
	if m.Cols != len(mean) {
		return blas32.General{}, fmt.Errorf("center: embeddings have %d elements, their mean has %d", m.Cols, len(mean))
	}
	out := matrix.New(m.Rows, m.Cols)
	for i := range m.Rows {
		dst := matrix.Row(out, i)
		for j, x := range matrix.Row(m, i) {
			dst[j] = x - mean[j]
		}
	}
	return out, nil
}

// rows are embeddings with the mean and length that every comparison needs.
type rows struct {
	blas32.General
	mean   []float64 // subtracted by Pearson, 0 for Cosine
	length []float64 // Euclidean, after the mean has been subtracted
}

func newRows(m blas32.General, metric Metric, names matrix.Names) (rows, error) {
	if err := matrix.Check(m, names); err != nil {
		return rows{}, err
	}
	r := rows{General: m, mean: make([]float64, m.Rows), length: make([]float64, m.Rows)}
	for i := range m.Rows {
		row := matrix.Row(m, i)
		if metric == Pearson {
			for j, x := range row {
				r.mean[i] += (float64(x) - r.mean[i]) / float64(j+1)
			}
		}
		var square float64
		for _, x := range row {
			d := float64(x) - r.mean[i]
			square += d * d
		}
		if square == 0 {
			return rows{}, fmt.Errorf("%s: row %d has all elements equal to %v and cannot be compared: %w", names.Matrix, i, row[0], embed.ErrZero)
		}
		r.length[i] = math.Sqrt(square)
	}
	return r, nil
}

// dot returns the inner product of row i of r and row j of s, less their means.
func (r rows) dot(i int, s rows, j int) float64 {
	sum := blas32.DDot(
		blas32.Vector{N: r.Cols, Inc: 1, Data: matrix.Row(r.General, i)},
		blas32.Vector{N: s.Cols, Inc: 1, Data: matrix.Row(s.General, j)})
	return sum - float64(r.Cols)*r.mean[i]*s.mean[j]
}
