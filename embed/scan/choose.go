package scan

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// gaussianShapes returns the shapes that are tried for so many components. The first
// one has the fewest parameters.
func gaussianShapes(rank int) []gaussianShape {
	var shapes []gaussianShape
	for divisor := 1; divisor <= 8; divisor *= 2 {
		r := rank / divisor
		if r < min(rank, 4) {
			break
		}
		for _, penalty := range []float64{math.Inf(1), 1, .1, .01} {
			for _, shrinkage := range []float64{1, .3} {
				shapes = append(shapes, gaussianShape{divisor, penalty, shrinkage})
			}
		}
	}
	return shapes
}

// shapeRanks are what every shape of the likelihood says of a part's images,
// [shapes][images]: logarithms of ranks, and how surprising the seen image is. A shape
// is chosen by the surprise, which still tells shapes apart where most ranks are 1.
type shapeRanks struct{ ranks, surprises [][]float64 }

// judgeShapes returns the ranks by every shape, for each part that is held out.
func (t *training) judgeShapes(ctx context.Context) ([]shapeRanks, error) {
	if t.judged != nil {
		return t.judged, nil
	}
	parts, err := t.heldOut(ctx)
	if err != nil {
		return nil, err
	}
	shapes := gaussianShapes(t.leftOut.target.Cols)
	done := t.opts.Progress.Stage(ChoosingStage, "likelihoods", int64(len(parts)*len(shapes)))
	for _, part := range parts {
		sums, rank := part.fit.moments(), part.fit.target.Cols
		found := shapeRanks{make([][]float64, len(shapes)), make([][]float64, len(shapes))}
		var g *gaussian
		for i, shape := range shapes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if i == 0 || shapes[i-1].divisor != shape.divisor || shapes[i-1].penalty != shape.penalty {
				if g, err = newGaussian(sums, shape.rank(rank), shape.penalty); err != nil {
					return nil, err
				}
			}
			m, err := g.single(rank, shape.shrinkage)
			if err != nil {
				return nil, err
			}
			if found.ranks[i], found.surprises[i], err = part.judge(m); err != nil {
				return nil, err
			}
			done(int64(len(t.judged)*len(shapes)+i+1), int64(len(parts)*len(shapes)))
		}
		t.judged = append(t.judged, found)
	}
	return t.judged, nil
}

// best returns the shape of the least mean surprise, if it is less than the first
// shape's by more than two standard errors of the differences over images, and else the
// first one: with few images the least of many means is mostly luck.
func best(of ...shapeRanks) int {
	all := make([][]float64, len(of[0].surprises))
	for _, part := range of {
		for i, surprises := range part.surprises {
			all[i] = append(all[i], surprises...)
		}
	}
	shape, least := 0, stat.Mean(all[0], nil)
	for i, surprises := range all[1:] {
		if mean := stat.Mean(surprises, nil); mean < least && clearlyLess(surprises, all[0]) {
			shape, least = i+1, mean
		}
	}
	return shape
}

// fitGaussian chooses the shape of the likelihood, by the parts that are held out,
// and fits it to all trials.
func (t *training) fitGaussian(ctx context.Context) (*mapping, gaussianShape, error) {
	if t.gaussian != nil {
		return t.gaussian, t.shape, nil
	}
	judged, err := t.judgeShapes(ctx)
	if err != nil {
		return nil, gaussianShape{}, err
	}
	rank := t.leftOut.target.Cols
	shape := gaussianShapes(rank)[best(judged...)]
	g, err := newGaussian(t.leftOut.moments(), shape.rank(rank), shape.penalty)
	if err != nil {
		return nil, shape, err
	}
	m, err := g.mapping(rank, shape.shrinkage)
	if err != nil {
		return nil, shape, err
	}
	t.gaussian, t.shape = m, shape
	return m, shape, nil
}

// crossRanks returns, for each part, the ranks by the shape that the other parts
// choose, so that the choice is judged with the likelihood. A single part is halved.
func crossRanks(judged []shapeRanks) [][]float64 {
	out := make([][]float64, len(judged))
	if len(judged) > 1 {
		for k, part := range judged {
			others := slices.Concat(judged[:k], judged[k+1:])
			out[k] = part.ranks[best(others...)]
		}
		return out
	}
	half := func(which int) shapeRanks {
		some := shapeRanks{surprises: make([][]float64, len(judged[0].surprises))}
		for i, surprises := range judged[0].surprises {
			for image := which; image < len(surprises); image += 2 {
				some.surprises[i] = append(some.surprises[i], surprises[image])
			}
		}
		return some
	}
	chosen := [2]int{best(half(1)), best(half(0))}
	for image := range judged[0].ranks[0] {
		out[0] = append(out[0], judged[0].ranks[chosen[image%2]][image])
	}
	return out
}
