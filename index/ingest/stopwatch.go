package ingest

import (
	"sync"
	"time"
)

// stopwatch measures how long at least one of several calls is under way.
type stopwatch struct {
	mu    sync.Mutex
	calls int
	since time.Time
	total time.Duration
}

// start begins a call.
func (w *stopwatch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == 0 {
		w.since = time.Now()
	}
	w.calls++
}

// stop ends a call.
func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls--; w.calls == 0 {
		w.total += time.Since(w.since)
	}
}
