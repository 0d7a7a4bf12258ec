package scan

import (
	"context"
	"errors"
	"fmt"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// LeftOut pairs what a ridge predicts of scans of training images that it was fitted
// without with what was seen. Both are scores along the components of the targets.
type LeftOut struct {
	Images    []int          // rows of Data.Targets, one for each image that was seen
	Predicted blas32.General // [images, Rank], mean over the trials of each image
	Seen      blas32.General // [images, Rank], of the targets
}

// LeftOut returns the left-out predictions of the training. ok is false for a decoder
// whose tokens are not the ridge's own: one with a network, or one that was not trained
// in this process; and for a linear one that was trained alone with Options.Unserved.
func (m *Model) LeftOut() (left LeftOut, ok bool) {
	if m.leftOut == nil || m.leftOut.predicted.Rows == 0 || m.Config.Width > 0 {
		return left, false
	}
	s := m.leftOut
	groups := trialsByImage(s.images)
	left.Predicted, left.Seen = matrix.New(len(groups), s.predicted.Cols), matrix.New(len(groups), s.target.Cols)
	for i, trials := range groups {
		mean := matrix.Row(left.Predicted, i)
		for _, trial := range trials {
			for k, x := range matrix.Row(s.predicted, trial) {
				mean[k] += x / float32(len(trials))
			}
		}
		image := s.images[trials[0]]
		copy(matrix.Row(left.Seen, i), matrix.Row(s.target, image))
		left.Images = append(left.Images, image)
	}
	return left, true
}

// Components are the principal components of the training images' tokens, in which a
// decoder with a ridge predicts.
type Components struct{ components }

// Components returns the components of a decoder with a ridge.
func (d *Decoder) Components() (*Components, error) { return d.parts() }

// Components returns the components of a decoder with a ridge.
func (m *Model) Components() (*Components, error) {
	return readParts(m.Config, m.Values[targetMean], m.arrays())
}

// readParts returns the components of a decoder.
func readParts(c Config, mean []float32, from arrays) (*Components, error) {
	if c.Rank == 0 || from == nil {
		return nil, errors.New("scan: the decoder has no components: it was made elsewhere, or has no ridge")
	}
	parts, err := readComponents(c, mean, from)
	if err != nil {
		return nil, err
	}
	return &Components{*parts}, nil
}

// Rank returns the number of components.
func (c *Components) Rank() int { return c.basis.Rows }

// Elements returns T·D, the elements of an image's tokens.
func (c *Components) Elements() int { return c.basis.Cols }

// Scores returns the scores of tokens, [n, T·D] → [n, Rank].
func (c *Components) Scores(tokens blas32.General) blas32.General { return c.scores(tokens) }

// Tokens returns the tokens that scores stand for, [n, Rank] → [n, T·D]: the mean and the sum
// of the components.
func (c *Components) Tokens(ctx context.Context, scores blas32.General) (blas32.General, error) {
	out := matrix.New(scores.Rows, c.basis.Cols)
	for from := 0; from < scores.Rows; from += someTargets {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		part := matrix.Part(out, from, min(from+someTargets, scores.Rows))
		for i := range part.Rows {
			copy(matrix.Row(part, i), c.mean)
		}
		blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix.Part(scores, from, from+part.Rows), c.basis, 1, part)
	}
	return out, nil
}

// MapScores is Map of images whose scores along the components are known, [n, Rank] → [n, K].
// Pearson's r has no components, and is refused.
func (m *Metric) MapScores(scores blas32.General) (blas32.General, error) {
	if m.parts == nil || scores.Cols != m.item.Rows {
		return blas32.General{}, errors.New("metric: wanted scores along the components of the metric")
	}
	return m.images(scores)
}

// QueryScores is Query of a prediction whose scores along the components are known, [Rank].
func (m *Metric) QueryScores(predicted []float32, repeats int) ([]float32, error) {
	if m.parts == nil || len(predicted) != m.query.Rows {
		return nil, errors.New("metric: wanted scores along the components of the metric")
	}
	if repeats < 1 {
		return nil, fmt.Errorf("metric: wanted the mean of 1 scan at least, found %d", repeats)
	}
	out, err := m.queries(blas32.General{Rows: 1, Cols: len(predicted), Stride: len(predicted), Data: predicted}, repeats)
	return out.Data, err
}
