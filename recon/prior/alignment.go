package prior

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/embed/scan"
)

// The priors that there are, by the names that commands take.
const (
	None        = "none"        // tokens as they are predicted
	LinearKind  = "linear"      // the linear alignment
	RecallKind  = "recall"      // the linear alignment, drawn towards likely training images
	CaptionKind = "caption"     // the mean of likely training images, by their captions, too
	Transformer = "transformer" // the diffusion prior
)

// Kinds lists the priors.
func Kinds() []string { return []string{None, LinearKind, RecallKind, CaptionKind, Transformer} }

// Alignment is what is fitted in closed form to the left-out predictions of a decoder's
// training. It stands beside the decoder in its folder, see Save.
type Alignment struct {
	Linear *Linear
	Recall Recall
	Images blas32.General // [images, Rank], scores of the training images' tokens
}

// Fit fits an alignment to the left-out predictions of a training.
func Fit(ctx context.Context, left scan.LeftOut) (*Alignment, error) {
	l, err := FitLinear(ctx, left.Predicted, left.Seen)
	if err != nil {
		return nil, err
	}
	return &Alignment{Linear: l, Recall: DefaultRecall(), Images: left.Seen}, nil
}

// Predictions are scores that a decoder predicts, each from the mean of so many scans.
type Predictions struct {
	Scores  blas32.General // [n, Rank]
	Repeats []int          // [n]
	// Captions has for each prediction the log-likelihoods of the training images' captions,
	// [n][images], in the order of Alignment.Images; nil where they are not known.
	Captions [][]float32
}

// Likelihood is the metric of a decoder by which images are likely to have been seen:
// scan.Metric with the name scan.MetricLikelihood.
type Likelihood interface {
	MapScores(scores blas32.General) (coordinates blas32.General, err error)
	QueryScores(predicted []float32, repeats int) ([]float32, error)
	Offsets(coordinates blas32.General, repeats int) []float32
	Score(query []float32, coordinates blas32.General, offsets []float32) ([]float32, error)
}

// Align returns the aligned scores, [n, Rank]: by the linear alignment, and with a
// likelihood drawn towards the training images, too, by CaptionRecall where captions are known.
func (a *Alignment) Align(ctx context.Context, of Predictions, by Likelihood) (blas32.General, error) {
	aligned, err := a.Linear.Align(of.Scores)
	if err != nil || by == nil {
		return aligned, err
	}
	recall := a.recall(of)
	err = a.each(ctx, of, by, func(i int, likely Likely) error {
		drawn, err := recall.Draw(row(aligned, i), a.Images, likely)
		copy(row(aligned, i), drawn)
		return err
	})
	return aligned, err
}

// Weights returns for each prediction the weights of the training images, whose sum is 1: by
// CaptionRecall where captions are known.
func (a *Alignment) Weights(ctx context.Context, of Predictions, by Likelihood) ([][]float64, error) {
	recall, out := a.recall(of), make([][]float64, of.Scores.Rows)
	err := a.each(ctx, of, by, func(i int, likely Likely) (err error) {
		if of.Captions != nil && len(likely.Captions) != len(likely.Images) {
			return fmt.Errorf("prior: wanted the likelihoods of %d captions, found %d", len(likely.Images), len(likely.Captions))
		}
		out[i], err = recall.Weights(likely)
		return err
	})
	return out, err
}

// recall returns how predictions are drawn to the training images.
func (a *Alignment) recall(of Predictions) Recall {
	if of.Captions != nil {
		return CaptionRecall()
	}
	return a.Recall
}

// each calls do with what is likely by each prediction.
func (a *Alignment) each(ctx context.Context, of Predictions, by Likelihood, do func(i int, likely Likely) error) error {
	if len(of.Repeats) != of.Scores.Rows {
		return fmt.Errorf("prior: wanted the scans of each of %d predictions, found %d", of.Scores.Rows, len(of.Repeats))
	}
	if of.Captions != nil && len(of.Captions) != of.Scores.Rows {
		return fmt.Errorf("prior: wanted the captions' likelihoods for each of %d predictions, found %d", of.Scores.Rows, len(of.Captions))
	}
	candidates, err := a.candidates(by, of.Repeats)
	if err != nil {
		return err
	}
	for i, repeats := range of.Repeats {
		if err := ctx.Err(); err != nil {
			return err
		}
		var likely Likely
		if likely.Images, err = candidates.likelihoods(row(of.Scores, i), repeats); err != nil {
			return fmt.Errorf("prior: prediction %d: %w", i, err)
		}
		if of.Captions != nil {
			likely.Captions = of.Captions[i]
		}
		if err := do(i, likely); err != nil {
			return err
		}
	}
	return nil
}

// candidates are the training images as a likelihood compares them.
type candidates struct {
	by          Likelihood
	coordinates blas32.General
	offsets     map[int][]float32 // by how many scans a prediction is the mean of
}

func (a *Alignment) candidates(by Likelihood, repeats []int) (*candidates, error) {
	c := &candidates{by: by, offsets: map[int][]float32{}}
	var err error
	if c.coordinates, err = by.MapScores(a.Images); err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	for _, n := range slices.Compact(slices.Sorted(slices.Values(repeats))) {
		c.offsets[n] = by.Offsets(c.coordinates, n)
	}
	return c, nil
}

// likelihoods returns the log-likelihood of each training image.
func (c *candidates) likelihoods(predicted []float32, repeats int) ([]float32, error) {
	query, err := c.by.QueryScores(predicted, repeats)
	if err != nil {
		return nil, err
	}
	return c.by.Score(query, c.coordinates, c.offsets[repeats])
}

// row returns row i, which the matrix shares.
func row(m blas32.General, i int) []float32 { return m.Data[i*m.Stride:][:m.Cols] }
