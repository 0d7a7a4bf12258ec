package scan

import (
	"fmt"

	"engram/embed"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
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
	mean  []float32   // [T·D], of the training images; nil where it is not known
	parts *components // of the targets; nil for Pearson's r, whose coordinates are the tokens
	item  blas32.General
	query blas32.General // both [rank, K]: scores → coordinates
	shift []float32      // [K], added to a mapped prediction
	fixed []float32      // [K], variance of the error that repeats of an image share
	trial []float32      // [K], variance of the error of one trial, which averages out
	size  int            // T·D
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
	out := product(m.parts.scores(tokens), m.item)
	if m.name == MetricLikelihood {
		return out, nil
	}
	return out, unit(out)
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
	out := product(m.parts.scores(row), m.query)
	if m.name != MetricLikelihood {
		return out.Data, unit(out)
	}
	for k := range out.Data {
		out.Data[k] = (out.Data[k] + m.shift[k]) * m.precision(k, repeats)
	}
	return out.Data, nil
}

// Offsets returns what is added to the inner products of images, [n], from their
// coordinates, [n, K], for predictions from the mean of so many scans. It is nil
// where nothing is added.
func (m *Metric) Offsets(coordinates blas32.General, repeats int) []float32 {
	if m.name != MetricLikelihood {
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
func (m *Metric) precision(k, repeats int) float32 {
	return 1 / (m.fixed[k] + m.trial[k]/float32(repeats))
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
	for i := range out {
		sum := blas32.DDot(
			blas32.Vector{N: len(query), Inc: 1, Data: query},
			blas32.Vector{N: len(query), Inc: 1, Data: matrix.Row(coordinates, i)})
		if offsets != nil {
			sum += float64(offsets[i])
		}
		out[i] = float32(sum)
	}
	return out, nil
}

// Compare returns the scores of all images, [n, T·D], for all predictions,
// [m, T·D], each from the mean of so many scans: [n, m], as package eval takes it.
func (m *Metric) Compare(images, predicted blas32.General, repeats int) (*mat.Dense, error) {
	coordinates, err := m.Map(images)
	if err != nil {
		return nil, err
	}
	offsets := m.Offsets(coordinates, repeats)
	out := mat.NewDense(images.Rows, predicted.Rows, nil)
	for j := range predicted.Rows {
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
