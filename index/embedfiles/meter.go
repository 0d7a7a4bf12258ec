package embedfiles

import (
	"engram/data/progress"
	"engram/index/ingest"
)

// meter adds up the progress of pairs, which are embedded one after the other.
type meter struct {
	progress progress.Func
	before   int // rows of the pairs before the current one
	left     int // rows of the pairs after it, about
	done     int // rows of the current pair that are settled
	total    int // rows of the current pair, about
}

func newMeter(f progress.Func, todo []*pair) meter {
	m := meter{progress: f}
	for _, p := range todo {
		m.left += p.estimate()
	}
	return m
}

// next goes on to the next pair.
func (m *meter) next(p *pair) {
	m.before, m.done, m.total = m.before+m.done, 0, p.estimate()
	m.left -= m.total
}

// report takes the progress of the current pair.
func (m *meter) report(r progress.Report) {
	if r.Stage != ingest.Reading {
		return
	}
	m.done = int(r.Done)
	if r.Total > 0 {
		m.total = int(r.Total)
	}
	all := m.before + max(m.done, m.total) + m.left
	m.progress.Report(progress.Report{Stage: "embedding", Unit: "rows", Done: int64(m.before + m.done), Total: int64(all)})
}
