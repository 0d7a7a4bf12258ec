package scan

import (
	"context"
	"math"

	"gonum.org/v1/gonum/stat"
)

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
				shapes = append(shapes, gaussianShape{divisor, penalty, shrinkage})
			}
		}
	}
	return shapes
}

// shapeRanks are what every shape of the likelihood says of a part's trials,
// [shapes][trials]: logarithms of ranks, and how surprising the seen image is. A shape
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

// best returns the shape of the least mean surprise, the first one of several.
func best(of ...shapeRanks) int {
	shape, least := 0, math.Inf(1)
	for i := range of[0].surprises {
		var sum, n float64
		for _, part := range of {
			sum += stat.Mean(part.surprises[i], nil) * float64(len(part.surprises[i]))
			n += float64(len(part.surprises[i]))
		}
		if sum/n < least {
			shape, least = i, sum/n
		}
	}
	return shape
}

// fitGaussian chooses the shape of the likelihood, by the parts that are held out,
// and fits it to all trials.
func (t *training) fitGaussian(ctx context.Context) (*mapping, gaussianShape, error) {
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
	return m, shape, err
}

// crossRanks returns, for each part, the ranks by the shape that the other parts
// choose, so that the choice is judged with the likelihood. A single part is divided
// by the trials' images.
func crossRanks(judged []shapeRanks, parts []heldOut) [][]float64 {
	out := make([][]float64, len(judged))
	if len(judged) > 1 {
		for k, part := range judged {
			var others []shapeRanks
			for j, other := range judged {
				if j != k {
					others = append(others, other)
				}
			}
			out[k] = part.ranks[best(others...)]
		}
		return out
	}
	half := func(which int) shapeRanks {
		some := shapeRanks{surprises: make([][]float64, len(judged[0].surprises))}
		for i, surprises := range judged[0].surprises {
			for trial, right := range parts[0].right {
				if right%2 == which {
					some.surprises[i] = append(some.surprises[i], surprises[trial])
				}
			}
		}
		return some
	}
	chosen := [2]int{best(half(1)), best(half(0))}
	for trial, right := range parts[0].right {
		out[0] = append(out[0], judged[0].ranks[chosen[right%2]][trial])
	}
	return out
}
