package limit

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrFull says that as many requests run and wait as may.
var ErrFull = errors.New("the queue is full")

// Queue lets a bounded number of requests run, and a bounded number wait for their turn.
// It is safe for concurrent use.
type Queue struct {
	slots   chan struct{}
	waiting atomic.Int64
	most    int64
}

// NewQueue returns a queue in which running requests, at least one, run at once and
// waiting ones wait.
func NewQueue(running, waiting int) *Queue {
	return &Queue{slots: make(chan struct{}, max(1, running)), most: int64(waiting)}
}

// Enter waits until the request may run, which it does until Leave. It returns ErrFull
// where too many wait already, or the error of ctx.
func (q *Queue) Enter(ctx context.Context) error {
	select {
	case q.slots <- struct{}{}:
		return nil
	default:
	}
	if q.waiting.Add(1) > q.most {
		q.waiting.Add(-1)
		return ErrFull
	}
	defer q.waiting.Add(-1)
	select {
	case q.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave ends a request that has entered.
func (q *Queue) Leave() { <-q.slots }

// Length returns how many requests run and wait.
func (q *Queue) Length() (running, waiting int) { return len(q.slots), int(q.waiting.Load()) }
