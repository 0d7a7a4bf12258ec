package pool

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// ErrClosed is what Lend returns once the pool is closed.
var ErrClosed = errors.New("pool: closed")

// Options say what a Pool lends.
type Options[K comparable, V io.Closer] struct {
	Most int // that are open at once, at least 1
	// Open opens what has a key. Its context has the values of the one that was first asked
	// with, and does not end: others may wait for the same.
	Open func(ctx context.Context, key K) (V, error)
	// Retry is how long an error of Open is the answer, before Open is asked again.
	Retry time.Duration
}

// Pool opens what it is asked for, lends one value to all who ask for its key, and closes
// what was not asked for longest when there is no room. It is safe for concurrent use.
type Pool[K comparable, V io.Closer] struct {
	opts Options[K, V]
	lent sync.WaitGroup // loans that were not given back
	work sync.WaitGroup // of opening and closing

	mu      sync.Mutex
	closed  bool
	entries map[K]*entry[K, V]        // what is lent to whoever asks now
	waiting []*entry[K, V]            // for room, in the order of asking
	held    map[*entry[K, V]]struct{} // have room: at most Options.Most
	leaving int                       // of held, those that make room
	clock   int64                     // counts loans
	faults  []error                   // of closing
}

// entry is a value, or its error, or the place in the queue for it.
type entry[K comparable, V io.Closer] struct {
	key   K
	open  func() (V, error)
	ready chan struct{} // closed when there is value or err
	value V
	err   error
	until time.Time // that err is the answer
	state state
	loans int
	used  int64 // the clock when it was last lent or given back
}

// state is what becomes of an entry, in this order.
type state int

const (
	waiting state = iota // for room
	opening
	failed
	open
	leaving // lent to nobody new, and closed when the last loan is given back
)

// New returns a pool with nothing open.
func New[K comparable, V io.Closer](opts Options[K, V]) *Pool[K, V] {
	opts.Most = max(1, opts.Most)
	return &Pool[K, V]{opts: opts, entries: map[K]*entry[K, V]{}, held: map[*entry[K, V]]struct{}{}}
}

// Lend returns the value of a key, which stays open until giveBack is called. It waits while
// that is opened, and for room where as many are open as may be. When ctx ends it returns
// the error of ctx, and the opening goes on for whoever asks next.
func (p *Pool[K, V]) Lend(ctx context.Context, key K) (value V, giveBack func(), err error) {
	e, err := p.ask(ctx, key)
	if err != nil {
		return value, nil, err
	}
	select {
	case <-e.ready:
		err = e.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		p.giveBack(e)
		return value, nil, err
	}
	return e.value, sync.OnceFunc(func() { p.giveBack(e) }), nil
}

// ask returns the entry of a key with one more loan.
func (p *Pool[K, V]) ask(ctx context.Context, key K) (*entry[K, V], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	e := p.entries[key]
	if e == nil || e.state == failed && !time.Now().Before(e.until) {
		e = &entry[K, V]{key: key, ready: make(chan struct{}), open: func() (V, error) { return p.opts.Open(context.WithoutCancel(ctx), key) }}
		p.entries[key] = e
		p.waiting = append(p.waiting, e)
		p.advance()
	}
	e.loans++
	p.lent.Add(1)
	p.touch(e)
	return e, nil
}

func (p *Pool[K, V]) touch(e *entry[K, V]) {
	p.clock++
	e.used = p.clock
}

// giveBack ends a loan. Nobody waits any longer for an entry without one.
func (p *Pool[K, V]) giveBack(e *entry[K, V]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.lent.Done()
	p.touch(e)
	e.loans--
	switch {
	case e.loans > 0 || p.closed:
	case e.state == waiting:
		delete(p.entries, e.key)
		p.waiting = slices.DeleteFunc(p.waiting, func(other *entry[K, V]) bool { return other == e })
	case e.state == leaving:
		p.work.Go(func() { p.close(e) })
	}
}

// advance opens what waits as long as there is room, and chooses what makes room for the
// rest. The caller has the lock.
func (p *Pool[K, V]) advance() {
	if p.closed {
		return
	}
	for len(p.waiting) > 0 && len(p.held) < p.opts.Most {
		e := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.held[e] = struct{}{}
		e.state = opening
		p.work.Go(func() { p.fill(e) })
	}
	for p.leaving < len(p.waiting) {
		e := p.leastUsed()
		if e == nil {
			return // all are being opened: the first that is open makes room
		}
		delete(p.entries, e.key)
		e.state = leaving
		p.leaving++
		if e.loans == 0 {
			p.work.Go(func() { p.close(e) })
		}
	}
}

// leastUsed returns what is open and was not used longest. What is not lent comes first. It
// is nil where nothing is open.
func (p *Pool[K, V]) leastUsed() *entry[K, V] {
	var found *entry[K, V]
	for _, e := range p.entries {
		if e.state == open && (found == nil || cmp.Or(cmp.Compare(min(e.loans, 1), min(found.loans, 1)), cmp.Compare(e.used, found.used)) < 0) {
			found = e
		}
	}
	return found
}

// fill opens an entry that has room.
func (p *Pool[K, V]) fill(e *entry[K, V]) {
	value, err := e.open()
	p.mu.Lock()
	defer p.mu.Unlock()
	e.value, e.err, e.state = value, err, open
	if err != nil {
		e.state, e.until = failed, time.Now().Add(p.opts.Retry)
		delete(p.held, e)
	}
	close(e.ready)
	p.advance()
}

// close closes an entry that leaves.
func (p *Pool[K, V]) close(e *entry[K, V]) {
	err := e.value.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.faults = append(p.faults, err)
	}
	delete(p.held, e)
	p.leaving--
	p.advance()
}

// Values returns what is open, in no order. It may be closed at any time.
func (p *Pool[K, V]) Values() []V {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []V
	for e := range p.held {
		if e.state == open {
			all = append(all, e.value)
		}
	}
	return all
}

// Close waits until all is given back and closes it. Lend fails from now on. Close returns
// every error of closing since the pool was made; a second call does nothing.
func (p *Pool[K, V]) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	for _, e := range p.waiting {
		e.err = ErrClosed
		close(e.ready)
	}
	p.waiting = nil
	p.mu.Unlock()
	p.lent.Wait()
	p.work.Wait()
	for e := range p.held { // nobody else works on them
		p.faults = append(p.faults, e.value.Close())
	}
	clear(p.held)
	return errors.Join(p.faults...)
}
