package scan

import (
	"context"
	"math"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// Confidence turns the scores of all candidates of a search into the probability that
// the first one is the image that was seen, if that image is among them:
//
//	exp(β·s₁) / Σ exp(β·sᵢ)
//
// which is temperature scaling (Guo et al. 2017, arXiv 1706.04599) with the temperature
// 1/β. The sum has a term for each candidate, so that the size of a gallery enters by
// itself. β was fitted, by the likelihood of the seen image, to left-out scans of
// training images among the left-out images alone.
type Confidence struct {
	// Sharpness is β for the means of 1, 2, 3, … scans of an image; further scans have the
	// last one.
	Sharpness []float64 `json:"sharpness"`
	// Images is among how many images β was fitted, the most of several galleries.
	Images int `json:"images"`
	// Scans is by how many single scans β was fitted.
	Scans int `json:"scans"`
}

// Probability returns the probability for the best of the scores of all candidates, of
// a prediction from the mean of so many scans. No probability is nearer to 1 than
// 1/(Scans + 2), Laplace's rule of succession: so many scans cannot show more.
func (c *Confidence) Probability(scores []float32, repeats int) float64 {
	if len(scores) == 0 {
		return 0
	}
	sharpness := c.Sharpness[min(repeats, len(c.Sharpness))-1]
	p := 1 / boltzmann(scores, sharpness).sum
	return min(p, 1-1/float64(c.Scans+2))
}

// valid says whether a confidence that was read can be used.
func (c *Confidence) valid() bool {
	for _, sharpness := range c.Sharpness {
		if !(sharpness >= 0) || math.IsInf(sharpness, 1) {
			return false
		}
	}
	return len(c.Sharpness) > 0 && c.Images > 1 && c.Scans > 0
}

// Confidence returns the probability that the best of the scores of all candidates is
// the seen image's, if that is among them; known is false where the metric was not
// calibrated.
func (m *Metric) Confidence(scores []float32, repeats int) (probability float64, known bool) {
	if m.confidence == nil || repeats < 1 {
		return 0, false
	}
	return m.confidence.Probability(scores, repeats), true
}

// weights are exp(β·(sᵢ − max)) of scores: their sum, and the mean and variance of the
// scores so weighted.
type weights struct{ largest, sum, mean, variance float64 }

// leastWeight is the exponent below which a weight is nothing beside the largest one, 1: of
// a million such weights the sum is 1e-20.
const leastWeight = -60

func boltzmann(scores []float32, sharpness float64) (w weights) {
	w.largest = math.Inf(-1)
	for _, s := range scores {
		w.largest = max(w.largest, float64(s))
	}
	var square float64
	for _, s := range scores {
		d := float64(s) - w.largest
		if sharpness*d < leastWeight {
			continue
		}
		e := math.Exp(sharpness * d)
		w.sum, w.mean, square = w.sum+e, w.mean+e*d, square+e*d*d
	}
	w.mean /= w.sum
	w.variance = square/w.sum - w.mean*w.mean
	return w
}

// calibrate sets the confidence of a decoder that compares by a likelihood, from the
// parts of the training images that are held out. Each part's likelihood is fitted
// without it. A cosine is not calibrated: what it states does not keep its word among
// many more images (NOTES.md).
func (t *training) calibrate(ctx context.Context, config *Config) error {
	parts, err := t.heldOut(ctx)
	if err != nil {
		return err
	}
	c := &Confidence{}
	var galleries []calibrationScores
	most := 1
	for _, part := range parts {
		m, err := t.likelihoodWithout(ctx, part)
		if err != nil {
			return err
		}
		counts := RepeatCounts(part.test.images)
		most = max(most, min(counts[len(counts)-1], maxCalibrated))
		for repeats := 1; repeats <= min(counts[len(counts)-1], maxCalibrated); repeats++ {
			g, err := part.calibration(m, repeats)
			if err != nil {
				return err
			}
			galleries = append(galleries, g)
			c.Images = max(c.Images, len(g.right))
			if repeats == 1 {
				c.Scans += len(g.right)
			}
		}
	}
	if c.Images < 2 {
		return nil
	}
	for repeats := 1; repeats <= most; repeats++ {
		sharpness, err := fitSharpness(ctx, galleries, repeats)
		if err != nil {
			return err
		}
		c.Sharpness = append(c.Sharpness, sharpness)
	}
	config.Confidence = c
	return nil
}

// maxCalibrated bounds the scans of an image whose mean has a sharpness of its own.
const maxCalibrated = 3

// likelihoodWithout returns the likelihood as it is fitted without the images of a part.
// Its shape (rank, penalty, shrinkage) is the one chosen on all left-out images, the part's
// among them: three numbers, which a part of the images hardly moves.
func (t *training) likelihoodWithout(ctx context.Context, part heldOut) (*mapping, error) {
	judged, err := t.judgeShapes(ctx)
	if err != nil {
		return nil, err
	}
	rank := part.fit.target.Cols
	shape := gaussianShapes(t.leftOut.target.Cols)[best(judged...)]
	g, err := newGaussian(part.fit.moments(), shape.rank(rank), shape.penalty)
	if err != nil {
		return nil, err
	}
	return g.mapping(rank, shape.shrinkage)
}

// calibrationScores are the scores of images, the columns, for the mean scans of each of them, the
// rows.
type calibrationScores struct {
	scores  blas32.General
	right   []int // the column of each row's image
	repeats int
}

// calibration scores the images of a part, choiceTrials at most, for the means of so many
// of their scans. An image that was seen less often has no row.
func (h *heldOut) calibration(m *mapping, repeats int) (g calibrationScores, err error) {
	g.repeats = repeats
	predicted := matrix.New(0, h.test.predicted.Cols)
	var images []int
	for _, trials := range trialsByImage(h.test.images) {
		if len(images) == choiceTrials {
			break
		}
		if len(trials) >= repeats {
			g.right = append(g.right, len(images))
			mean := make([]float32, predicted.Cols)
			for _, trial := range trials[:repeats] {
				for k, x := range matrix.Row(h.test.predicted, trial) {
					mean[k] += x / float32(repeats)
				}
			}
			predicted.Data = append(predicted.Data, mean...)
			predicted.Rows++
		}
		images = append(images, h.test.images[trials[0]])
	}
	coordinates, err := m.images(matrix.Pick(h.test.target, images))
	if err != nil {
		return g, err
	}
	queries, err := m.queries(predicted, repeats)
	if err != nil {
		return g, err
	}
	g.scores = matrix.New(queries.Rows, coordinates.Rows)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, queries, coordinates, 0, g.scores)
	for j, offset := range m.offsets(coordinates, repeats) {
		for i := range g.scores.Rows {
			g.scores.Data[i*g.scores.Stride+j] += offset
		}
	}
	return g, nil
}

// fitSharpness returns the β that makes the seen images of galleries most probable. The
// logarithm of their probability is concave in β: Newton's method within the bounds that
// the sign of the slope gives. Scores that tell every image have no greatest β, and end
// after the steps' doublings.
func fitSharpness(ctx context.Context, galleries []calibrationScores, repeats int) (float64, error) {
	const steps = 30
	sharpness, low, high := 0., 0., math.Inf(1)
	for range steps {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var slope, curvature float64
		for _, g := range galleries {
			if g.repeats != repeats {
				continue
			}
			for i, right := range g.right {
				row := matrix.Row(g.scores, i)
				w := boltzmann(row, sharpness)
				slope += float64(row[right]) - w.largest - w.mean
				curvature += w.variance
			}
		}
		if !(curvature > 0) || slope == 0 {
			break
		}
		if slope > 0 {
			low = sharpness
		} else {
			high = sharpness
		}
		next := max(0, sharpness+slope/curvature)
		if sharpness > 0 {
			next = min(next, 2*sharpness)
		}
		if next <= low && slope < 0 || next >= high {
			next = (low + high) / 2
		}
		done := math.Abs(next-sharpness) <= 1e-4*sharpness
		if sharpness = next; done {
			break
		}
	}
	return sharpness, nil
}
