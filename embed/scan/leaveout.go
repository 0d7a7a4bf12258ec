package scan

import (
	"context"
	"fmt"
	"slices"

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
		p := panel{solved: s, from: s.groups[k][0], begin: k, missed: left, first: from}
		for ; k < len(s.groups) && s.groups[k][0]-p.from < panelTrials; k++ {
			p.end, p.to = k+1, s.groups[k][1]
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
	begin, end int // the groups
	from, to   int
	missed     dense.Matrix[float64] // residuals, and then errors, from trial first on
	first      int
}

// leaveOut replaces the residuals of the panel's groups by their errors.
func (p panel) leaveOut(ctx context.Context) error {
	var x dense.Matrix[float64]
	if p.primal {
		x = centred(p.centredRows, span{p.from, p.to, 0, p.x.Cols}, &p.rows)
		if err := p.subtractFitted(ctx, x); err != nil {
			return err
		}
	}
	open, err := p.openPanel(ctx, x)
	if err != nil {
		return err
	}
	for i, group := range p.groups[p.begin:p.end] {
		if err := p.leaveGroupOut(group, open[i]); err != nil {
			return fmt.Errorf("ridge: λ = %g: %w", p.lambda, err)
		}
	}
	return nil
}

// subtractFitted computes the residuals of the trials x, in the primal form.
func (p panel) subtractFitted(ctx context.Context, x dense.Matrix[float64]) error {
	left := p.missed.Slice(p.from-p.first, p.to-p.first, 0, p.y.Cols)
	for i := range left.Rows {
		copy(left.Row(i), p.y.Row(p.from+i))
	}
	p.meter.add(2 * float64(x.Rows) * float64(x.Cols) * float64(p.y.Cols))
	return dense.Product[float64]{C: left, A: x, B: p.solution, Sign: -1}.Add(ctx)
}

// openPanel returns the matrix I − H of each group. They depend on voxels and λ alone: the
// solver keeps them for other targets.
func (p panel) openPanel(ctx context.Context, x dense.Matrix[float64]) ([][]float64, error) {
	known := p.opened(p.lambda)[p.begin:p.end]
	if !slices.ContainsFunc(known, func(m []float64) bool { return m == nil }) {
		return known, nil
	}
	var roots dense.Matrix[float64]
	var err error
	if p.primal {
		roots, err = p.primalRoots(ctx, x)
	} else {
		roots, err = p.dualRoots(ctx)
	}
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(known))
	for i, group := range p.groups[p.begin:p.end] {
		if out[i], err = p.openGroup(ctx, roots, group); err != nil {
			return nil, err
		}
		if group[1]-group[0] <= openTrials {
			known[i] = out[i]
		}
	}
	return out, nil
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
// columns are elements of H, less 1/n.
func (p panel) primalRoots(ctx context.Context, x dense.Matrix[float64]) (dense.Matrix[float64], error) {
	roots := reuse(&p.roots, x.Cols, x.Rows)
	for v := range roots.Rows {
		to := roots.Row(v)
		for i := range to {
			to[i] = x.At(i, v)
		}
	}
	return roots, p.factor.Forward(ctx, roots)
}

// openGroup returns I − H of a group, [size, size].
func (p panel) openGroup(ctx context.Context, roots dense.Matrix[float64], group [2]int) ([]float64, error) {
	block, err := innerProducts(ctx, roots.Slice(0, roots.Rows, group[0]-p.from, group[1]-p.from))
	if err != nil {
		return nil, err
	}
	for a := range block.Rows {
		row := block.Row(a)
		for b, x := range row {
			x = -x
			if p.primal && a == b {
				x++
			}
			if !p.primal {
				x *= -p.lambda
			}
			row[b] = x - 1/float64(p.y.Rows)
		}
	}
	return block.Data, nil
}

// leaveGroupOut replaces the residuals of one group by (I − H)⁻¹(Y − HY), where open is
// I − H.
func (p panel) leaveGroupOut(group [2]int, open []float64) error {
	size := group[1] - group[0]
	left := p.missed.Slice(group[0]-p.first, group[1]-p.first, 0, p.y.Cols)
	residual := mat.NewDense(size, left.Cols, left.Data[:size*left.Cols])
	var missed mat.Dense
	if err := missed.Solve(mat.NewDense(size, size, open), residual); err != nil {
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
