package scan

// usualSearch is how many λ a search tries with all trials, as far as is known
// before it begins.
const usualSearch = 4

// meter reports how much of a ridge's work is done, in operations. A nil meter
// reports nothing.
type meter struct {
	report                func(done, total int64)
	done, total, reported float64
	leaveOut, choose      bool // what is asked for
	known                 bool // a regression before has left the trials out, most likely for the same λ
}

func newMeter(p *problem, opts RidgeOptions) *meter {
	m := &meter{leaveOut: opts.LeaveOut, choose: opts.Lambda == 0, known: len(p.open) > 0}
	m.total = p.sumFlops() + m.rest(p, 0)
	m.report = opts.Progress.Stage(SolvingStage, "billion operations", billions(m.total))
	return m
}

// plan estimates the work that is left when so many λ have been tried.
func (m *meter) plan(p *problem, tried int) {
	if m != nil {
		m.total = m.done + m.rest(p, tried)
	}
}

// chosen says that no further λ is tried.
func (m *meter) chosen(p *problem) {
	m.choose = false
	m.plan(p, 0)
}

// rest is the work after the Gram matrix.
func (m *meter) rest(p *problem, tried int) float64 {
	rest := p.solveFlops() + p.weightFlops()
	if m.leaveOut {
		rest += m.leaveOutFlops(p, p.x.Rows)
	}
	if m.choose {
		usual := usualSearch
		if p.x.Rows <= gridTrials {
			usual = lambdaSteps
		}
		rest += float64(max(1, usual-tried)) * (p.solveFlops() + m.leaveOutFlops(p, min(p.x.Rows, lambdaTrials)))
	}
	return rest
}

// add reports work, at most a hundred times.
func (m *meter) add(flops float64) {
	if m == nil {
		return
	}
	m.done += flops
	if m.done-m.reported >= m.total/100 {
		m.reported = m.done
		m.report(billions(m.done), billions(max(m.done, m.total)))
	}
}

// end reports that all is done.
func (m *meter) end() { m.report(billions(m.done), billions(m.done)) }

func billions(flops float64) int64 { return int64(flops/1e9) + 1 }

// sumFlops is the work of the Gram matrix, unless there is one, and of XᵀY.
func (p *problem) sumFlops() float64 {
	n, v, d := p.sizes()
	var sum float64
	if !p.summed() {
		sum = n * v * min(n, v)
	}
	if p.primal {
		sum += 2 * n * v * d
	}
	return sum
}

// solveFlops is the work of one factorisation and solution.
func (p *problem) solveFlops() float64 {
	n, v, d := p.sizes()
	if p.primal {
		return v*v*v/3 + 2*v*v*d
	}
	return n*n*n/3 + n*n*d
}

// weightFlops is the work from a solution to the weights.
func (p *problem) weightFlops() float64 {
	n, v, d := p.sizes()
	if p.primal {
		return 0
	}
	return n*n*d + 2*n*v*d
}

// leaveOutFlops is the work of leaving some of the trials out.
func (m *meter) leaveOutFlops(p *problem, trials int) float64 {
	_, v, d := p.sizes()
	some := float64(trials)
	residuals, roots := some*some*d, some*some*some/3
	if p.primal {
		residuals, roots = 2*some*v*d, some*v*v
	}
	if m.known {
		return residuals
	}
	return residuals + roots
}

func (p *problem) sizes() (trials, voxels, targets float64) {
	return float64(p.x.Rows), float64(p.x.Cols), float64(p.y.x.Cols)
}
