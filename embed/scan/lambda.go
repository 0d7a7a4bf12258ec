package scan

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"engram/data/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// The grid of penalties: quarter decades around the mean squared length of a
// trial's centred voxels, which makes the choice independent of their units and
// number.
const (
	lambdaSteps     = 33
	lambdaPerDecade = 4
	lambdaFirst     = 1e-4 // of the mean squared length
)

// gridTrials is for how many trials every λ of the grid is tried. lambdaTrials is
// how many trials are left out, at most, to compare one λ with another; the ridge
// that predicts them is always the one of all other trials.
const (
	gridTrials   = 1024
	lambdaTrials = 4096
)

// chooseLambda returns the λ of the grid with the least squared error of
// predictions for images that were left out. With more than gridTrials trials the
// search begins at the best λ for a sample of them, and goes on over the grid, with
// all trials, until both neighbours are worse: the best λ changes little with the
// number of trials, so three or four factorisations do.
func (p *problem) chooseLambda(ctx context.Context) (float64, error) {
	search, err := p.newSearch()
	if err != nil {
		return 0, err
	}
	if p.x.Rows <= gridTrials {
		for step := range lambdaSteps {
			if err := search.try(ctx, step); err != nil {
				return 0, err
			}
		}
		return search.lambda(search.best), nil
	}
	start, err := p.sampleSearch(ctx)
	if err != nil {
		return 0, err
	}
	if err := search.descend(ctx, start); err != nil {
		return 0, err
	}
	return search.lambda(search.best), nil
}

// search looks for the best λ of the grid.
type search struct {
	*problem
	length float64 // mean square, the unit of λ
	from   int     // the first trial whose errors count
	missed map[int]float64
	best   int
}

func (p *problem) newSearch() (*search, error) {
	s := &search{problem: p, missed: map[int]float64{}, best: -1}
	for _, square := range p.diagonal {
		s.length += square / float64(p.x.Rows)
	}
	if s.length == 0 {
		return nil, errors.New("ridge: no voxel varies over the training trials")
	}
	for k := len(p.groups) - 1; k > 0 && p.x.Rows-p.groups[k-1][0] <= lambdaTrials; k-- {
		s.from = p.groups[k-1][0]
	}
	return s, nil
}

func (s *search) lambda(step int) float64 {
	return s.length * lambdaFirst * math.Pow(10, float64(step)/lambdaPerDecade)
}

// try notes the squared error of left-out predictions at a step of the grid, and
// nothing beyond the grid.
func (s *search) try(ctx context.Context, step int) error {
	if step < 0 || step >= lambdaSteps {
		return nil
	}
	if _, known := s.missed[step]; known {
		return nil
	}
	s.meter.plan(s.problem, len(s.missed))
	solved, err := s.at(ctx, s.lambda(step))
	if err != nil {
		return err
	}
	sum := 0.0
	if err := solved.errors(ctx, s.from, func(_ int, missed []float64) {
		for _, x := range missed {
			sum += x * x
		}
	}); err != nil {
		return err
	}
	s.missed[step] = sum
	if s.best < 0 || sum < s.missed[s.best] {
		s.best = step
	}
	return nil
}

// descend goes from a step of the grid to a neighbour that is better, until there
// is none.
func (s *search) descend(ctx context.Context, step int) error {
	for {
		for _, next := range []int{step, step + 1, step - 1} {
			if err := s.try(ctx, next); err != nil {
				return err
			}
			if s.best != step {
				break
			}
		}
		if s.best == step {
			return nil
		}
		step = s.best
	}
}

// sampleSolver solves regressions for a sample of the trials.
type sampleSolver struct {
	*solver
	trials []int
}

// sampled returns the solver for some trials of images that are drawn at random.
func (s *solver) sampled(ctx context.Context) (*sampleSolver, error) {
	if s.sample != nil {
		return s.sample, nil
	}
	groups := trialsByImage(s.images)
	rng := rand.New(rand.NewPCG(1, 4))
	rng.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	var trials []int
	for k, group := range groups {
		if k > 1 && len(trials)+len(group) > gridTrials {
			break
		}
		trials = append(trials, group...)
	}
	of, err := newSolver(ctx, matrix.Pick(s.x, trials), RidgeOptions{Images: take(s.images, trials), ZScore: s.zscore})
	if err != nil {
		return nil, err
	}
	s.sample = &sampleSolver{of, trials}
	return s.sample, nil
}

// sampleSearch returns the best step of the grid for a sample of the trials.
func (p *problem) sampleSearch(ctx context.Context) (int, error) {
	some, err := p.sampled(ctx)
	if err != nil {
		return 0, err
	}
	targets := matrix.Pick(p.y.x, some.trials)
	if targets.Cols > targets.Rows {
		if targets, err = narrowed(ctx, targets); err != nil {
			return 0, err
		}
	}
	sample, err := some.problem(ctx, targets)
	if err != nil {
		return 0, err
	}
	if err := sample.sum(ctx); err != nil {
		return 0, err
	}
	search, err := sample.newSearch()
	if err != nil {
		return 0, err
	}
	for step := range lambdaSteps {
		if err := search.try(ctx, step); err != nil {
			return 0, err
		}
	}
	return search.best, nil
}

// narrowed returns as many targets as there are trials, [trials, trials], for which every
// ridge has the squared error that it has for some more, [trials, D]. It is the Cholesky
// factor of the targets' products with each other, for a ridge predicts combinations of
// targets as it predicts targets. The products have two parts beside those of the centred
// targets, which make them positive definite: of a constant target, which has no error, and
// of independent ones of a billionth of the size, less than float32 rounds.
func narrowed(ctx context.Context, targets blas32.General) (blas32.General, error) {
	n := targets.Rows
	mean, err := matrix.ColMeans(ctx, targets)
	if err != nil {
		return targets, err
	}
	rows := centredRows{x: targets, order: upTo(n), mean: mean}
	products := dense.New[float64](n, n)
	var piece []float64
	for from := 0; from < targets.Cols; from += sumDepth {
		y := centred(rows, span{0, n, from, min(from+sumDepth, targets.Cols)}, &piece)
		if err := dense.Accumulate(ctx, products, y, y.T(), dense.Lower); err != nil {
			return targets, err
		}
	}
	square := 0.0
	for i := range n {
		square += products.At(i, i) / float64(n)
	}
	if square == 0 {
		return targets, nil
	}
	for i := range n {
		row := products.Row(i)[:i+1]
		for j := range row {
			row[j] += square
		}
		row[i] += 1e-9 * square
	}
	if _, err := dense.Cholesky(ctx, products, nil); err != nil {
		return targets, err
	}
	out := matrix.New(n, n)
	for i := range n {
		copy(matrix.Row(out, i), float32s(products.Row(i)[:i+1]))
	}
	return out, nil
}
