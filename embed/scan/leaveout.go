package scan

import (
	"context"
	"fmt"

	"engram/embed/internal/dense"

	"gonum.org/v1/gonum/mat"
)

// panelTrials is for how many trials, or more where a group is larger, the blocks
// of the hat matrix are computed at a time.
const panelTrials = 512

// errors returns the targets less what every group's trials are predicted to be
// from all other groups, [trials - from, D], for the groups from a trial on.
//
// The fitted targets are HY, where H includes 1/n in every element for the means.
// The error for a left-out group g is (I − H_gg)⁻¹(Y − HY)_g without refitting: for
// single trials the PRESS of Allen 1974 (Technometrics 16(1)), for groups the same
// identity with the block of H (Cook & Weisberg 1982, Residuals and Influence in
// Regression). In the dual form I − H is λG − 1/n with G = (XXᵀ + λI)⁻¹, and the
// same identity holds for kernel machines (An, Liu & Venkatesh 2007, Pattern
// Recognition 40(8)). G is L⁻ᵀL⁻¹, so that its last blocks need L's last rows alone.
func (s *solved) errors(ctx context.Context, from int) (dense.Matrix[float64], error) {
	n := s.y.Rows
	first := dense.AlignDown(from)
	left := reuse(&s.left, n-from, s.y.Cols)
	if !s.primal {
		last := converted(s.solution.Slice(first, n, 0, s.y.Cols), &s.last)
		if err := s.factor.From(first).Backward(ctx, last); err != nil {
			return left, err
		}
		for i := range left.Rows {
			for j, x := range last.Row(from - first + i) {
				left.Row(i)[j] = s.lambda * x
			}
		}
	}
	for k := 0; k < len(s.groups); {
		if s.groups[k][0] < from {
			k++
			continue
		}
		p := panel{solved: s, from: s.groups[k][0], missed: left, first: from}
		for ; k < len(s.groups) && s.groups[k][0]-p.from < panelTrials; k++ {
			p.groups, p.to = append(p.groups, s.groups[k]), s.groups[k][1]
		}
		if err := p.leaveOut(ctx); err != nil {
			return left, err
		}
	}
	return left, nil
}

// panel is some groups of trials, from ≤ trial < to.
type panel struct {
	*solved
	groups   [][2]int
	from, to int
	missed   dense.Matrix[float64] // residuals, and then errors, from trial first on
	first    int
}

// leaveOut replaces the residuals of the panel's groups by their errors.
func (p panel) leaveOut(ctx context.Context) error {
	var roots dense.Matrix[float64]
	var err error
	if p.primal {
		roots, err = p.primalRoots(ctx)
	} else {
		roots, err = p.dualRoots(ctx)
	}
	if err != nil {
		return err
	}
	for _, group := range p.groups {
		if err := p.leaveGroupOut(ctx, roots, group); err != nil {
			return fmt.Errorf("ridge: λ = %g: %w", p.lambda, err)
		}
	}
	return nil
}

// dualRoots returns columns of L⁻¹, without rows of zeros: the inner products of
// two columns are elements of G.
func (p panel) dualRoots(ctx context.Context) (dense.Matrix[float64], error) {
	first := dense.AlignDown(p.from)
	roots := reuse(&p.roots, p.y.Rows-first, p.to-p.from)
	clear(roots.Data)
	for i := range roots.Cols {
		roots.Row(p.from - first + i)[i] = 1
	}
	return roots, p.factor.From(first).Forward(ctx, roots)
}

// primalRoots returns L⁻¹xᵀ of the trials x, [V, trials]: the inner products of two
// columns are elements of H, less 1/n. It computes the trials' residuals, too.
func (p panel) primalRoots(ctx context.Context) (dense.Matrix[float64], error) {
	var buffer []float64
	x := centred(p.centredRows, span{p.from, p.to, 0, p.x.Cols}, &buffer)
	left := p.missed.Slice(p.from-p.first, p.to-p.first, 0, p.y.Cols)
	for i := range left.Rows {
		copy(left.Row(i), p.y.Row(p.from+i))
	}
	if err := (dense.Product[float64]{C: left, A: x, B: p.solution, Sign: -1}).Add(ctx); err != nil {
		return left, err
	}
	p.meter.add(2 * float64(x.Rows) * float64(x.Cols) * float64(p.y.Cols))
	roots := reuse(&p.roots, x.Cols, x.Rows)
	for v := range roots.Rows {
		to := roots.Row(v)
		for i := range to {
			to[i] = x.At(i, v)
		}
	}
	return roots, p.factor.Forward(ctx, roots)
}

// leaveGroupOut replaces the residuals of one group by (I − H_gg)⁻¹(Y − HY)_g.
func (p panel) leaveGroupOut(ctx context.Context, roots dense.Matrix[float64], group [2]int) error {
	size := group[1] - group[0]
	block, err := innerProducts(ctx, roots.Slice(0, roots.Rows, group[0]-p.from, group[1]-p.from))
	if err != nil {
		return err
	}
	open := mat.NewDense(size, size, block.Data)
	open.Apply(func(a, b int, x float64) float64 {
		x = -x
		if p.primal && a == b {
			x++
		}
		if !p.primal {
			x *= -p.lambda
		}
		return x - 1/float64(p.y.Rows)
	}, open)
	left := p.missed.Slice(group[0]-p.first, group[1]-p.first, 0, p.y.Cols)
	residual := mat.NewDense(size, left.Cols, left.Data[:size*left.Cols])
	var missed mat.Dense
	if err := missed.Solve(open, residual); err != nil {
		return fmt.Errorf("trials %v cannot be left out: %w", p.order[group[0]:group[1]], err)
	}
	residual.Copy(&missed)
	return nil
}

// fewTrials is the size of groups for which the inner products are computed in one
// pass over the roots, without packing them.
const fewTrials = 8

// innerProducts returns mᵀm.
func innerProducts(ctx context.Context, m dense.Matrix[float64]) (dense.Matrix[float64], error) {
	out := dense.New[float64](m.Cols, m.Cols)
	if m.Cols > fewTrials {
		return out, dense.Product[float64]{C: out, A: m.T(), B: m, Sign: 1}.Add(ctx)
	}
	for r := range m.Rows {
		row := m.Row(r)
		for a, x := range row {
			to := out.Row(a)
			for b, y := range row {
				to[b] += x * y
			}
		}
	}
	return out, ctx.Err()
}
