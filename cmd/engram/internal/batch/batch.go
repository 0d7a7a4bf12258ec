package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// ErrClosed reports a call of a Batcher that is closed.
var ErrClosed = errors.New("batch: closed")

// defaultSize is the most calls of one run where Options do not say.
const defaultSize = 16

// Options say how calls are put together. The zero value is the default.
type Options struct {
	Size int           // the most calls of one run; 0 means 16
	Wait time.Duration // how long a call waits for others before its run begins, the runs before it counted; 0: not at all
	Runs int           // the most runs at once; 0 means 1
	// Observe is told how many calls each run has, before it begins. It may be called by
	// several goroutines at once; nil: nobody is told.
	Observe func(calls int)
}

// Batcher puts calls into runs. It is safe for concurrent use. It has goroutines only
// while calls are under way.
type Batcher[In, Out any] struct {
	run  func(ctx context.Context, in []In) ([]Out, error)
	opts Options

	mu      sync.Mutex
	waiting []*call[In, Out] // the longest first
	timer   *time.Timer      // for the first that waits, nil: none
	running sync.WaitGroup
	runs    int // under way
	closed  bool
}

// call is one call of Do. What it returns may be read once done is closed.
type call[In, Out any] struct {
	ctx   context.Context
	in    In
	since time.Time
	group *group // that it runs with, nil while it waits; guarded by Batcher.mu

	out  Out
	err  error
	done chan struct{}
}

// group is what the calls of a run have in common.
type group struct {
	stop  context.CancelFunc // ends the run
	wants int                // calls that wait for it; guarded by Batcher.mu
}

// New returns a Batcher of run, which is given the inputs of one or more calls and returns
// as many outputs, in their order. Where it fails for several, it is called again for each
// of them alone. run may be called by Options.Runs goroutines at once, and it may not keep
// in. A call may have gone before its run has ended, so that run may go on to read its
// input after Do has returned.
//
// A run of one call has the context of the call. A run of several has a context without
// values, which ends when all of them have gone.
func New[In, Out any](run func(ctx context.Context, in []In) ([]Out, error), opts Options) *Batcher[In, Out] {
	opts.Size = max(cmp.Or(opts.Size, defaultSize), 1)
	opts.Runs = max(opts.Runs, 1)
	return &Batcher[In, Out]{run: run, opts: opts}
}

// Do returns what run makes of an input, perhaps together with others. When ctx ends
// first, it returns ctx.Err() at once, and the others go on. Where run panics for this
// call alone, Do panics.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	out, err := b.DoAll(ctx, []In{in})
	if err != nil {
		var none Out
		return none, err
	}
	return out[0], nil
}

// DoAll is Do for several inputs, which share runs as far as Options.Size lets them. It
// returns the error of the first input that fails.
func (b *Batcher[In, Out]) DoAll(ctx context.Context, in []In) ([]Out, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	calls := make([]*call[In, Out], len(in))
	for i, x := range in {
		calls[i] = &call[In, Out]{ctx: ctx, in: x, since: time.Now(), done: make(chan struct{})}
	}
	if err := b.join(calls); err != nil {
		return nil, err
	}
	out := make([]Out, len(in))
	var failed error
	for i, c := range calls {
		select {
		case <-c.done:
		case <-ctx.Done():
			b.leave(calls[i:])
			return nil, ctx.Err()
		}
		if p, ok := errors.AsType[panicked](c.err); ok {
			b.leave(calls[i+1:])
			panic(string(p))
		}
		if out[i] = c.out; failed == nil {
			failed = c.err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return out, nil
}

// Close refuses further calls and waits for those under way. It is idempotent, and does
// nothing for a nil Batcher.
func (b *Batcher[In, Out]) Close() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	b.closed = true
	b.start() // without a wait
	b.mu.Unlock()
	b.running.Wait()
	return nil
}

// join lets calls wait for a run.
func (b *Batcher[In, Out]) join(calls []*call[In, Out]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.waiting = append(b.waiting, calls...)
	b.start()
	return nil
}

// leave takes calls back whose caller has gone.
func (b *Batcher[In, Out]) leave(calls []*call[In, Out]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range calls {
		if c.group == nil {
			b.waiting = slices.DeleteFunc(b.waiting, func(other *call[In, Out]) bool { return other == c })
			continue
		}
		if c.group.wants--; c.group.wants == 0 {
			c.group.stop()
		}
	}
}

// start begins the runs that may begin now. b.mu is held.
func (b *Batcher[In, Out]) start() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	for b.runs < b.opts.Runs && len(b.waiting) > 0 {
		n := min(len(b.waiting), b.opts.Size)
		if left := b.opts.Wait - time.Since(b.waiting[0].since); left > 0 && n < b.opts.Size && !b.closed {
			b.timer = time.AfterFunc(left, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.start()
			})
			return
		}
		calls := slices.Clone(b.waiting[:n])
		b.waiting = slices.Delete(b.waiting, 0, n)
		// A run of several belongs to none of them: it goes on when one has gone.
		ctx := calls[0].ctx
		if n > 1 {
			ctx = context.Background()
		}
		ctx, stop := context.WithCancel(ctx)
		shared := &group{stop, n}
		for _, c := range calls {
			c.group = shared
		}
		b.runs++
		b.running.Go(func() {
			defer stop()
			b.answer(ctx, calls)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.runs--
			b.start()
		})
	}
}

// answer runs calls, all at once or one after the other.
func (b *Batcher[In, Out]) answer(ctx context.Context, calls []*call[In, Out]) {
	err := b.together(ctx, calls)
	for _, c := range calls {
		c.err = err
		if err != nil && len(calls) > 1 {
			if c.err = c.ctx.Err(); c.err == nil {
				c.err = b.together(c.ctx, []*call[In, Out]{c})
			}
		}
		close(c.done)
	}
}

// together runs calls at once and gives each its output.
func (b *Batcher[In, Out]) together(ctx context.Context, calls []*call[In, Out]) error {
	if b.opts.Observe != nil {
		b.opts.Observe(len(calls))
	}
	in := make([]In, len(calls))
	for i, c := range calls {
		in[i] = c.in
	}
	out, err := b.guard(ctx, in)
	if err == nil && len(out) != len(in) {
		err = fmt.Errorf("batch: %d outputs, wanted %d", len(out), len(in))
	}
	if err != nil {
		return err
	}
	for i, c := range calls {
		c.out = out[i]
	}
	return nil
}

// panicked is what run panicked with, and the stack.
type panicked string

// Error implements error.
func (p panicked) Error() string { return string(p) }

// guard calls run and returns a panic as an error.
func (b *Batcher[In, Out]) guard(ctx context.Context, in []In) (out []Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(fmt.Sprintf("%v\n%s", p, debug.Stack()))
		}
	}()
	return b.run(ctx, in)
}
