package scan

import (
	"context"

	"engram/data/dense"
	"engram/embed/internal/matrix"
)

// solved is a ridge problem solved for the λ of the solver's factor, as far as left-out
// predictions need.
type solved struct {
	*problem
	// solution is L⁻¹Y, [trials, D], or where primal the weights, [V, D].
	solution dense.Matrix[float64]
}

// at solves the problem for one λ.
func (p *problem) at(ctx context.Context, lambda float64) (*solved, error) {
	if err := p.factorize(ctx, lambda); err != nil {
		return nil, err
	}
	s := &solved{problem: p}
	if p.primal {
		s.solution = converted(p.xy, &p.solution)
	} else {
		s.solution = centred(p.y, span{0, p.x.Rows, 0, p.y.x.Cols}, &p.solution)
	}
	if err := p.factor.Forward(ctx, s.solution); err != nil {
		return nil, err
	}
	if p.primal {
		return s, p.factor.Backward(ctx, s.solution)
	}
	return s, nil
}

// ridge returns the decoder, with left-out predictions where they are asked for.
func (s *solved) ridge(ctx context.Context, leaveOut bool) (*Ridge, error) {
	targets := s.y.x
	r := &Ridge{Lambda: s.lambda, VoxelMean: s.voxelMean(), TargetMean: float32s(s.y.mean)}
	if leaveOut {
		r.LeftOut = matrix.New(targets.Rows, targets.Cols)
		if err := s.errors(ctx, 0, func(i int, missed []float64) {
			seen, to := matrix.Row(targets, s.order[i]), matrix.Row(r.LeftOut, s.order[i])
			for j, e := range missed {
				mean := s.y.mean[j]
				to[j] = float32(float64(seen[j]) - mean - e + mean)
			}
		}); err != nil {
			return nil, err
		}
	}
	r.Weights = matrix.New(s.x.Cols, targets.Cols)
	if s.primal {
		for v := range r.Weights.Rows {
			copy(matrix.Row(r.Weights, v), float32s(s.solution.Row(v)))
		}
		return r, nil
	}
	if err := s.factor.Backward(ctx, s.solution); err != nil {
		return nil, err
	}
	if s.single {
		return r, sumWeights[float32](ctx, s, r)
	}
	return r, sumWeights[float64](ctx, s, r)
}

// sumWeights computes the weights Xᵀ(XXᵀ + λI)⁻¹Y of some voxels at a time.
func sumWeights[T dense.Float](ctx context.Context, s *solved, r *Ridge) error {
	var piece, part []T
	for v := 0; v < s.x.Cols; v += sumDepth {
		w := min(v+sumDepth, s.x.Cols)
		sum := dense.New[float64](w-v, s.y.x.Cols)
		for from := 0; from < s.x.Rows; from += sumDepth {
			to := min(from+sumDepth, s.x.Rows)
			x := centred(s.centredRows, span{from, to, v, w}, &piece)
			y := converted(s.solution.Slice(from, to, 0, s.y.x.Cols), &part)
			if err := dense.Accumulate(ctx, sum, x.T(), y, dense.Whole); err != nil {
				return err
			}
			s.meter.add(2 * float64(x.Rows) * float64(x.Cols) * float64(y.Cols))
		}
		for i := range sum.Rows {
			copy(matrix.Row(r.Weights, v+i), float32s(sum.Row(i)))
		}
	}
	return nil
}
