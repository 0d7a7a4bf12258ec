package scan

import (
	"context"
	"fmt"
	"slices"

	"engram/data/dense"

	"gonum.org/v1/gonum/mat"
)

// panelTrials is for how many trials, or more where a group is larger, the blocks
// of the hat matrix are computed at a time.
const panelTrials = 512

// errors finds the targets less what every group's trials are predicted to be from all
// other groups, for the groups from a trial on. found is told of each trial, a number in the
// solver's order, and of its errors, [D], which are valid during the call.
//
// The fitted targets are HY, where H includes 1/n in every element for the means.
// The error for a left-out group g is (I − H_gg)⁻¹(Y − HY)_g without refitting: for
// single trials the PRESS of Allen 1974 (Technometrics 16(1)), for groups the same
// identity with the block of H (Cook & Weisberg 1982, Residuals and Influence in
// Regression). In the dual form I − H is λG − 1/n with G = (XXᵀ + λI)⁻¹, and the
// same identity holds for kernel machines (An, Liu & Venkatesh 2007, Pattern
// Recognition 40(8)). G is L⁻ᵀL⁻¹, so that its last blocks need L's last rows alone.
func (s *solved) errors(ctx context.Context, from int, found func(trial int, missed []float64)) error {
	first := dense.AlignDown(from)
	var last dense.Matrix[float64] // GY of the trials from the first one on
	if !s.primal {
		last = converted(s.solution.Slice(first, s.x.Rows, 0, s.y.x.Cols), &s.last)
		if err := s.factor.From(first).Backward(ctx, last); err != nil {
			return err
		}
	}
	for k := 0; k < len(s.groups); {
		if s.groups[k][0] < from {
			k++
			continue
		}
		p := panel{solved: s, from: s.groups[k][0], begin: k}
		for ; k < len(s.groups) && s.groups[k][0]-p.from < panelTrials; k++ {
			p.end, p.to = k+1, s.groups[k][1]
		}
		var err error
		if s.primal {
			err = p.primalResiduals(ctx)
		} else {
			p.dualResiduals(last.Slice(p.from-first, p.to-first, 0, last.Cols))
		}
		if err == nil {
			err = p.leaveOut(ctx)
		}
		if err != nil {
			return err
		}
		for i := range p.missed.Rows {
			found(p.from+i, p.missed.Row(i))
		}
	}
	return nil
}

// panel is some groups of trials, from ≤ trial < to.
type panel struct {
	*solved
	begin, end int // the groups
	from, to   int
	voxels     dense.Matrix[float64] // of the trials, where primal
	missed     dense.Matrix[float64] // residuals, and then errors
}

// primalResiduals computes the voxels of the trials and Y − XW, W being the weights.
func (p *panel) primalResiduals(ctx context.Context) error {
	p.voxels = centred(p.centredRows, span{p.from, p.to, 0, p.x.Cols}, &p.rows)
	p.missed = centred(p.y, span{p.from, p.to, 0, p.y.x.Cols}, &p.residuals)
	p.meter.add(2 * float64(p.voxels.Rows) * float64(p.voxels.Cols) * float64(p.missed.Cols))
	return dense.Product[float64]{C: p.missed, A: p.voxels, B: p.solution, Sign: -1}.Add(ctx)
}

// dualResiduals computes λGY from GY.
func (p *panel) dualResiduals(solution dense.Matrix[float64]) {
	p.missed = converted(solution, &p.residuals)
	for i := range p.missed.Rows {
		row := p.missed.Row(i)
		for j := range row {
			row[j] *= p.lambda
		}
	}
}

// leaveOut replaces the residuals of the panel's groups by their errors.
func (p *panel) leaveOut(ctx context.Context) error {
	open, err := p.openPanel(ctx)
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

// openPanel returns the matrix I − H of each group. They depend on voxels and λ alone: the
// solver keeps them for other targets.
func (p *panel) openPanel(ctx context.Context) ([][]float64, error) {
	known := p.opened(p.lambda)[p.begin:p.end]
	if !slices.ContainsFunc(known, func(m []float64) bool { return m == nil }) {
		return known, nil
	}
	var roots dense.Matrix[float64]
	var err error
	if p.primal {
		roots, err = p.primalRoots(ctx)
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
func (p *panel) dualRoots(ctx context.Context) (dense.Matrix[float64], error) {
	first := dense.AlignDown(p.from)
	roots := reuse(&p.roots, p.x.Rows-first, p.to-p.from)
	clear(roots.Data)
	for i := range roots.Cols {
		roots.Row(p.from - first + i)[i] = 1
	}
	return roots, p.factor.From(first).Forward(ctx, roots)
}

// primalRoots returns L⁻¹xᵀ of the trials x, [V, trials]: the inner products of two
// columns are elements of H, less 1/n.
func (p *panel) primalRoots(ctx context.Context) (dense.Matrix[float64], error) {
	roots := reuse(&p.roots, p.voxels.Cols, p.voxels.Rows)
	for v := range roots.Rows {
		to := roots.Row(v)
		for i := range to {
			to[i] = p.voxels.At(i, v)
		}
	}
	return roots, p.factor.Forward(ctx, roots)
}

// openGroup returns I − H of a group, [size, size].
func (p *panel) openGroup(ctx context.Context, roots dense.Matrix[float64], group [2]int) ([]float64, error) {
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
			row[b] = x - 1/float64(p.x.Rows)
		}
	}
	return block.Data, nil
}

// leaveGroupOut replaces the residuals of one group by (I − H)⁻¹(Y − HY), where open is
// I − H.
func (p *panel) leaveGroupOut(group [2]int, open []float64) error {
	size := group[1] - group[0]
	left := p.missed.Slice(group[0]-p.from, group[1]-p.from, 0, p.missed.Cols)
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
