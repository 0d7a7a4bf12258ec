package hub

import (
	"sync"
	"time"

	"engram/data/progress"
)

// reportEvery is the pause between two reports.
const reportEvery = 100 * time.Millisecond

// meter counts the bytes of parallel downloads and reports them one at a time.
type meter struct {
	watch progress.Func
	stage string

	mu          sync.Mutex
	done, total int64
	reported    time.Time
}

// start begins with have bytes that are there.
func (m *meter) start(have, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done, m.total = have, total
	m.report()
}

// add counts n bytes more.
func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	if time.Since(m.reported) >= reportEvery {
		m.report()
	}
}

// end reports the last state.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report()
}

// report calls the watcher. The caller holds the lock.
func (m *meter) report() {
	m.reported = time.Now()
	m.watch.Report(progress.Report{Stage: m.stage, Unit: "bytes", Done: max(m.done, 0), Total: m.total})
}
