package scan

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// leftOutScores are the ridge's predictions of trials of other images than it was
// fitted on, and what was seen.
type leftOutScores struct {
	predicted blas32.General // [trials, rank]
	target    blas32.General // [images, rank]
	images    []int          // of each trial
	seed      uint64
}

// moments returns the sums over all images.
func (s leftOutScores) moments() *scoreMoments {
	return newScoreMoments(s.predicted, s.seen(), trialsByImage(s.images))
}

// seen returns what each trial saw, [trials, rank].
func (s leftOutScores) seen() blas32.General { return matrix.Pick(s.target, s.images) }

// part returns the left-out scores of some trials.
func (s leftOutScores) part(trials []int) leftOutScores {
	s.predicted, s.images = matrix.Pick(s.predicted, trials), take(s.images, trials)
	return s
}

// Bounds of the work of a choice.
const (
	choiceFolds  = 5    // parts into which the images are divided
	choiceTrials = 1000 // trials of a part
	anewTrials   = 1000 // up to so many, each part has components and a ridge of its own
	enoughTrials = 500  // no further part is used for a choice on so many trials
)

// heldOut is a part of the training images that a choice is judged by, and what is
// known from the others.
type heldOut struct {
	fit       leftOutScores  // of the other images, what decoders are fitted to
	predicted blas32.General // [trials, rank], of trials of the part
	// among, [images, rank], are the images of these trials, to choose among. Images
	// that the decoder was fitted on would be told apart from them by that alone.
	among blas32.General
	right []int // of each trial its image among them
	// test are the predictions of all trials of the part, and all training images.
	test leftOutScores
}

// heldOut returns the parts by which constants and presets are chosen. It divides
// the images into choiceFolds and returns as many as have enoughTrials together. Of
// few trials, components and ridge are fitted to the other images anew for each
// part: the components of few images fit these better than any new image. Of more
// trials they stay, and the part has the ridge's left-out predictions.
func (t *training) heldOut(ctx context.Context) ([]heldOut, error) {
	if t.parts != nil {
		return t.parts, nil
	}
	folds, err := KFoldByImage(t.images, min(choiceFolds, len(trialsByImage(t.images))), t.opts.Seed)
	if err != nil {
		return nil, err
	}
	trials := 0
	for k, fold := range folds {
		if trials >= enoughTrials {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := t.hold(ctx, fold)
		if err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", k+1, len(folds), err)
		}
		t.parts = append(t.parts, h)
		trials += len(fold.Test)
	}
	return t.parts, nil
}

// hold returns the part that a fold tests on.
func (t *training) hold(ctx context.Context, fold Fold) (heldOut, error) {
	all := *t.leftOut
	h := heldOut{fit: all.part(fold.Train)}
	anew := len(t.images) <= anewTrials && len(trialsByImage(h.fit.images)) >= 3
	if anew {
		var err error
		if all, h.fit, err = t.without(ctx, fold); err != nil {
			return h, err
		}
	}
	h.test = all.part(fold.Test)
	test := drawn(rand.New(rand.NewPCG(t.opts.Seed, 5)), fold.Test)
	place, images := map[int]int{}, []int(nil)
	for _, trial := range test {
		image := t.images[trial]
		at, known := place[image]
		if !known {
			at = len(images)
			place[image], images = at, append(images, image)
		}
		h.right = append(h.right, at)
	}
	h.predicted, h.among = matrix.Pick(all.predicted, test), matrix.Pick(all.target, images)
	return h, nil
}

// without fits components and ridge to the training trials of a fold, and returns
// what they predict of all trials, and the left-out scores of the training trials.
func (t *training) without(ctx context.Context, fold Fold) (all, fit leftOutScores, err error) {
	data := t.source
	data.Voxels, data.Images = matrix.Pick(data.Voxels, fold.Train), take(data.Images, fold.Train)
	sub := &training{rt: t.rt, opts: t.opts, images: data.Images, trials: NewTrials(data.Voxels, data.Images), leaveOut: true}
	sub.opts.Progress = nil
	config := Config{Rank: maxRank}
	if err := sub.prepare(ctx, &config, data); err != nil {
		return all, fit, err
	}
	voxels := matrix.Clone(t.source.Voxels)
	z := ZScore{Mean: sub.fixed[meanName], Scale: sub.fixed[scaleName]}
	if err := z.Apply(voxels); err != nil {
		return all, fit, err
	}
	all = *sub.leftOut
	all.images = t.images
	all.predicted = product(voxels, blas32.General{Rows: voxels.Cols, Cols: config.Rank, Stride: config.Rank, Data: sub.fixed[ridgeWeight]})
	for i := range all.predicted.Rows {
		row := matrix.Row(all.predicted, i)
		for k, bias := range sub.fixed[ridgeBias] {
			row[k] += bias
		}
	}
	return all, *sub.leftOut, nil
}

// drawn returns at most choiceTrials of a list, in random order.
func drawn(rng *rand.Rand, from []int) []int {
	return take(from, rng.Perm(len(from))[:min(len(from), choiceTrials)])
}

// logRanks returns, for each image of the part, the mean logarithm of the rank from 1
// that a metric gives it for its trials.
func (h *heldOut) logRanks(m *mapping) ([]float64, error) {
	ranks, _, err := h.judge(m)
	return ranks, err
}

// judge returns, for each image of the part, means over its trials: of the logarithm
// of the rank, and of how surprising the seen image is. Surprise is minus the logarithm
// of the image's probability, the scores being logarithms of likelihoods and all images
// as probable beforehand. Images, and not trials, are independent of each other.
func (h *heldOut) judge(m *mapping) (ranks, surprises []float64, err error) {
	coordinates, err := m.images(h.among)
	if err != nil {
		return nil, nil, err
	}
	queries, err := m.queries(h.predicted, 1)
	if err != nil {
		return nil, nil, err
	}
	offsets := m.offsets(coordinates, 1)
	scores := matrix.New(queries.Rows, coordinates.Rows)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, queries, coordinates, 0, scores)
	ranks, surprises = make([]float64, h.among.Rows), make([]float64, h.among.Rows)
	trials := make([]float64, h.among.Rows)
	for i, right := range h.right {
		row := matrix.Row(scores, i)
		for j := range offsets {
			row[j] += offsets[j]
		}
		rank, surprise := identified(row, right)
		trials[right]++
		ranks[right] += math.Log(rank)
		surprises[right] += surprise
	}
	for image, n := range trials {
		ranks[image] /= n
		surprises[image] /= n
	}
	return ranks, surprises, nil
}

// identified returns the rank from 1 of the right image among the scores of all, and
// its surprise. An image that is as near as the right one counts half.
func identified(scores []float32, right int) (rank, surprise float64) {
	rank = .5 // the right image counts half, too
	largest := scores[right]
	for _, x := range scores {
		largest = max(largest, x)
		switch {
		case x > scores[right]:
			rank++
		case x == scores[right]:
			rank += .5
		}
	}
	var sum float64
	for _, x := range scores {
		sum += math.Exp(float64(x - largest))
	}
	return rank, math.Log(sum) + float64(largest-scores[right])
}
