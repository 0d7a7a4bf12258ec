package scan

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"engram/data/simd"
	"engram/embed/eval"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// The names of the metrics.
const (
	// MetricPearson is Pearson's r of all tokens, less the mean of the training
	// images' tokens, as eval.Compare computes it.
	MetricPearson = "pearson"
	// MetricCosine is the cosine of two score vectors along the components of the
	// targets, after one linear map of the image's scores and another one of the
	// prediction's.
	MetricCosine = "cosine"
	// MetricLikelihood is the logarithm of the probability density of the predicted
	// scores given the image, less what all images have in common.
	MetricLikelihood = "likelihood"
)

// Metric says how a decoder compares its prediction with the tokens of an image.
// Every metric is an inner product: tokens are mapped once to K coordinates (Map),
// a prediction to a query of K elements (Query), and an image's score is
//
//	⟨query, coordinates⟩ + offset
//
// where the offset depends on the image alone (Offsets) and is 0 but for the
// likelihood. A higher score is a better match. A Metric is safe for concurrent
// use.
type Metric struct {
	name  string
	size  int         // T·D
	mean  []float32   // [T·D], of the training images; nil where it is not known
	parts *components // of the targets; nil for Pearson's r, whose coordinates are the tokens
	// confidence is nil where the scores have no probability.
	confidence *Confidence
	mapping
}

// Name returns which of the metrics this is.
func (m *Metric) Name() string { return m.name }

// Dim returns K, the number of coordinates of an image.
func (m *Metric) Dim() int {
	if m.parts == nil {
		return m.size
	}
	return m.item.Cols
}

// Pearson returns the mean, [T·D], that Pearson's r is of directions from, nil where
// none is taken off. ok is false for another metric.
func (m *Metric) Pearson() (mean []float32, ok bool) { return m.mean, m.parts == nil }

// Map returns the coordinates of images, [n, K], from their tokens, [n, T·D]. It
// refuses NaN and infinite elements, and tokens that a metric of directions cannot
// compare, as they have none (embed.ErrZero).
func (m *Metric) Map(tokens blas32.General) (blas32.General, error) {
	if err := m.check(tokens, matrix.Names{Matrix: "tokens", Row: "image", Col: "element"}); err != nil {
		return blas32.General{}, err
	}
	if m.parts == nil {
		return m.directions(tokens)
	}
	return m.images(m.parts.scores(tokens))
}

// Query returns the query, [K], of a prediction, [T·D], from the mean of so many
// scans of one image, 1 or more.
func (m *Metric) Query(predicted []float32, repeats int) ([]float32, error) {
	row := blas32.General{Rows: 1, Cols: len(predicted), Stride: len(predicted), Data: predicted}
	if err := m.check(row, matrix.Names{Matrix: "prediction", Row: "row", Col: "element"}); err != nil {
		return nil, err
	}
	if repeats < 1 {
		return nil, fmt.Errorf("metric: wanted the mean of 1 scan at least, found %d", repeats)
	}
	if m.parts == nil {
		out, err := m.directions(row)
		return out.Data, err
	}
	out, err := m.queries(m.parts.scores(row), repeats)
	return out.Data, err
}

// Offsets returns what is added to the inner products of images, [n], from their
// coordinates, [n, K], for predictions from the mean of so many scans. It is nil
// where nothing is added.
func (m *Metric) Offsets(coordinates blas32.General, repeats int) []float32 {
	return m.offsets(coordinates, repeats)
}

// Score returns the scores of images, [n], from a query, [K], their coordinates,
// [n, K], and their offsets, [n] or nil.
func (m *Metric) Score(query []float32, coordinates blas32.General, offsets []float32) ([]float32, error) {
	if len(query) != m.Dim() || coordinates.Cols != m.Dim() {
		return nil, fmt.Errorf("metric: wanted %d coordinates, found %d of the query and %d of images", m.Dim(), len(query), coordinates.Cols)
	}
	if offsets != nil && len(offsets) != coordinates.Rows {
		return nil, fmt.Errorf("metric: wanted an offset of each of %d images, found %d", coordinates.Rows, len(offsets))
	}
	out := make([]float32, coordinates.Rows)
	parts := min(runtime.GOMAXPROCS(0), max(1, len(out)*len(query)/scoreElements))
	var group sync.WaitGroup
	for part := range parts {
		from, to := len(out)*part/parts, len(out)*(part+1)/parts
		group.Go(func() {
			simd.Best().DotRows(out[from:to], query, matrix.Part(coordinates, from, to).Data, coordinates.Stride)
			for i := from; offsets != nil && i < to; i++ {
				out[i] += offsets[i]
			}
		})
	}
	group.Wait()
	return out, nil
}

// Compare returns the scores of all images, [n, T·D], for all predictions,
// [m, T·D], each from the mean of so many scans: [n, m], as package eval takes it.
func (m *Metric) Compare(ctx context.Context, images, predicted blas32.General, repeats int) (*mat.Dense, error) {
	if m.parts == nil {
		return eval.Compare(ctx, images, predicted, m.mean)
	}
	coordinates, err := m.Map(images)
	if err != nil {
		return nil, err
	}
	offsets := m.offsets(coordinates, repeats)
	out := mat.NewDense(images.Rows, predicted.Rows, nil)
	for j := range predicted.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		query, err := m.Query(matrix.Row(predicted, j), repeats)
		if err != nil {
			return nil, fmt.Errorf("prediction %d: %w", j, err)
		}
		scores, err := m.Score(query, coordinates, offsets)
		if err != nil {
			return nil, err
		}
		for i, s := range scores {
			out.Set(i, j, float64(s))
		}
	}
	return out, nil
}

func (m *Metric) check(tokens blas32.General, names matrix.Names) error {
	if err := matrix.Check(tokens, names); err != nil {
		return err
	}
	if tokens.Cols != m.size {
		return fmt.Errorf("metric: wanted tokens of %d elements, found %d", m.size, tokens.Cols)
	}
	return nil
}

// directions returns tokens less the training images' mean and less the mean of
// their own elements, at unit length: the inner product of two is Pearson's r.
func (m *Metric) directions(tokens blas32.General) (blas32.General, error) {
	out := matrix.Clone(tokens)
	for i := range out.Rows {
		row := matrix.Row(out, i)
		var mean float64
		for j := range row {
			if m.mean != nil {
				row[j] -= m.mean[j]
			}
			mean += (float64(row[j]) - mean) / float64(j+1)
		}
		for j := range row {
			row[j] -= float32(mean)
		}
	}
	return out, unit(out)
}
