package scan

import (
	"context"
	"math"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// leftOutScores are the ridge's predictions of trials of other images than it was
// fitted on, and what was seen. Constants are chosen on them.
type leftOutScores struct {
	predicted blas32.General // [trials, rank]
	target    blas32.General // [images, rank]
	images    []int          // of each trial
	seed      uint64
}

// Bounds of the work of a choice.
const (
	choiceFolds  = 5    // parts into which the images are divided
	choiceTrials = 1000 // trials, and images to choose among, of a part
	enoughTrials = 500  // no further part is used for a choice on so many trials
)

// moments returns the sums over the images of trials.
func (s leftOutScores) moments(trials []int) *scoreMoments {
	groups := trialsByImage(take(s.images, trials))
	for _, group := range groups {
		for i, k := range group {
			group[i] = trials[k]
		}
	}
	return newScoreMoments(s.predicted, s.seen(), groups)
}

// seen returns what each trial saw, [trials, rank].
func (s leftOutScores) seen() blas32.General { return matrix.Pick(s.target, s.images) }

// part returns the left-out scores of some trials.
func (s leftOutScores) part(trials []int) leftOutScores {
	s.predicted, s.images = matrix.Pick(s.predicted, trials), take(s.images, trials)
	return s
}

// folds divides the images for a choice into choiceFolds parts, and returns as many
// of them as hold enoughTrials together.
func (s leftOutScores) folds() ([]Fold, error) {
	folds, err := KFoldByImage(s.images, min(choiceFolds, len(trialsByImage(s.images))), s.seed)
	if err != nil {
		return nil, err
	}
	used, trials := 0, 0
	for used < len(folds) && trials < enoughTrials {
		trials += len(folds[used].Test)
		used++
	}
	return folds[:used], nil
}

// question is a set of trials, and of images to choose among.
type question struct {
	trials []int
	images []int // with all that the trials saw
	right  []int // of each trial its place among the images
}

// ask draws at most choiceTrials of the trials, and as many images to choose among,
// the seen ones first.
func (s leftOutScores) ask(trials []int) question {
	rng := rand.New(rand.NewPCG(s.seed, 5))
	q := question{trials: drawn(rng, trials)}
	place := map[int]int{}
	add := func(image int) int {
		at, known := place[image]
		if !known {
			at = len(q.images)
			place[image], q.images = at, append(q.images, image)
		}
		return at
	}
	for _, trial := range q.trials {
		q.right = append(q.right, add(s.images[trial]))
	}
	for _, image := range drawn(rng, s.images) {
		if len(q.images) < choiceTrials {
			add(image)
		}
	}
	return q
}

// drawn returns at most choiceTrials of a list, in random order.
func drawn(rng *rand.Rand, from []int) []int {
	return take(from, rng.Perm(len(from))[:min(len(from), choiceTrials)])
}

// logRanks returns, for each trial of a question, the logarithm of the rank from 1
// that a metric gives the seen image.
func (s leftOutScores) logRanks(q question, m *mapping) ([]float64, error) {
	coordinates, err := m.images(matrix.Pick(s.target, q.images))
	if err != nil {
		return nil, err
	}
	queries, err := m.queries(matrix.Pick(s.predicted, q.trials), 1)
	if err != nil {
		return nil, err
	}
	offsets := m.offsets(coordinates, 1)
	scores := matrix.New(queries.Rows, coordinates.Rows)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, queries, coordinates, 0, scores)
	ranks := make([]float64, len(q.trials))
	for i, right := range q.right {
		row := matrix.Row(scores, i)
		for j := range offsets {
			row[j] += offsets[j]
		}
		rank := .5 // an image that is as near as the right one counts half, the right one included
		for _, x := range row {
			switch {
			case x > row[right]:
				rank++
			case x == row[right]:
				rank += .5
			}
		}
		ranks[i] = math.Log(rank)
	}
	return ranks, nil
}

// gaussianShapes returns the shapes that are tried for so many components.
func gaussianShapes(rank int) []gaussianShape {
	var shapes []gaussianShape
	for divisor := 1; divisor <= 8; divisor *= 2 {
		r := rank / divisor
		if r < min(rank, 4) {
			break
		}
		for _, penalty := range []float64{math.Inf(1), 1, .1, .01} {
			for _, shrinkage := range []float64{1, .3} {
				shapes = append(shapes, gaussianShape{r, penalty, shrinkage})
			}
		}
	}
	return shapes
}

// chooseGaussian returns the shape by which the likelihood best identifies what was
// seen in trials of images that it was not fitted on, by the mean logarithm of the
// rank.
func (s leftOutScores) chooseGaussian(ctx context.Context) (gaussianShape, error) {
	shapes := gaussianShapes(s.target.Cols)
	found := make([][]float64, len(shapes))
	folds, err := s.folds()
	if err != nil {
		return gaussianShape{}, err
	}
	for _, fold := range folds {
		rest, q := s.moments(fold.Train), s.ask(fold.Test)
		var g *gaussian
		for i, shape := range shapes {
			if err := ctx.Err(); err != nil {
				return gaussianShape{}, err
			}
			if i == 0 || shapes[i-1].rank != shape.rank || shapes[i-1].penalty != shape.penalty {
				if g, err = newGaussian(rest, shape.rank, shape.penalty); err != nil {
					return gaussianShape{}, err
				}
			}
			m, err := g.single(s.target.Cols, shape.shrinkage)
			if err != nil {
				return gaussianShape{}, err
			}
			ranks, err := s.logRanks(q, m)
			if err != nil {
				return gaussianShape{}, err
			}
			found[i] = append(found[i], ranks...)
		}
	}
	best := 0
	for i := range shapes {
		if stat.Mean(found[i], nil) < stat.Mean(found[best], nil) {
			best = i
		}
	}
	return shapes[best], nil
}

// fitGaussian chooses the shape of the likelihood and fits it to all trials.
func (s leftOutScores) fitGaussian(ctx context.Context) (*mapping, gaussianShape, error) {
	shape, err := s.chooseGaussian(ctx)
	if err != nil {
		return nil, shape, err
	}
	all := make([]int, len(s.images))
	for i := range all {
		all[i] = i
	}
	g, err := newGaussian(s.moments(all), shape.rank, shape.penalty)
	if err != nil {
		return nil, shape, err
	}
	m, err := g.mapping(s.target.Cols, shape.shrinkage)
	return m, shape, err
}
