package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"engram/data/progress"
	"engram/data/vfs"
)

// Queue runs the jobs of a lane one at a time, in the order in which they came, and lanes side
// by side. It is safe for concurrent use.
type Queue struct {
	opts  Options
	dir   string
	kinds map[string]Kind
	lock  vfs.File

	mu      sync.Mutex
	jobs    map[string]*entry
	waiting []*entry
	closing bool
	wake    map[string]chan struct{} // by lane; has an element where something waits
	workers sync.WaitGroup
	stop    context.CancelFunc
}

// entry is a job in memory.
type entry struct {
	job     Job
	changed chan struct{}      // closed at the next change
	cancel  context.CancelFunc // of the one that runs
}

// Open opens the jobs in a folder, which it makes, and begins to work. Jobs that waited wait
// again, and so does one that the last process died in, unless that happens again. A folder
// that another process has open is refused. The caller calls Close.
func Open(dir string, kinds map[string]Kind, opts Options) (*Queue, error) {
	q := &Queue{
		opts: opts.withDefaults(), dir: dir, kinds: kinds,
		jobs: map[string]*entry{}, wake: map[string]chan struct{}{"": make(chan struct{}, 1)},
	}
	for _, kind := range kinds {
		q.wake[kind.Lane] = make(chan struct{}, 1)
	}
	if err := vfs.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	lock, err := vfs.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	q.lock = lock
	if err := q.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("jobs: %w", err), lock.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	q.stop = stop
	for lane := range q.wake {
		q.workers.Go(func() { q.work(ctx, lane) })
	}
	return q, nil
}

// Close ends the jobs that run, which wait for the next Open, and frees the folder.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	q.stop()
	q.workers.Wait()
	return q.lock.Close()
}

// Submit queues a job. It fails with ErrKind, ErrFull, ErrClosing, or what the kind's Check
// says.
func (q *Queue) Submit(kind string, request []byte, terms Terms) (Job, error) {
	k, ok := q.kinds[kind]
	if !ok {
		return Job{}, fmt.Errorf("%q: %w, wanted one of %q", kind, ErrKind, q.Kinds())
	}
	if k.Check != nil {
		if err := k.Check(request); err != nil {
			return Job{}, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing {
		return Job{}, ErrClosing
	}
	if q.waitingIn(k.Lane) >= q.opts.Waiting {
		return Job{}, ErrFull
	}
	e := &entry{changed: make(chan struct{}), job: Job{ID: newID(), Kind: kind, State: Queued, Created: q.opts.Now().UTC(), Terms: terms, Version: 1}}
	if err := q.create(e.job, request); err != nil {
		return Job{}, err
	}
	q.jobs[e.job.ID] = e
	q.enqueue(e)
	return e.job.clone(), nil
}

// Retry queues a job again that has ended and was not done. The new job has the request and the
// terms of the old one. It fails with ErrNone, ErrEnded where the job has not ended or has
// succeeded, ErrGone where the request was not kept, or as Submit does.
func (q *Queue) Retry(id string) (Job, error) {
	old, _, err := q.Get(id)
	if err != nil {
		return Job{}, err
	}
	if !old.State.Ended() || old.State == Succeeded {
		return Job{}, fmt.Errorf("job %s is %s, and one that failed or was cut off is begun again: %w", id, old.State, ErrEnded)
	}
	request, err := q.request(id)
	if errors.Is(err, fs.ErrNotExist) {
		return Job{}, fmt.Errorf("job %s: %w; one with keep can be begun again", id, ErrGone)
	}
	if err != nil {
		return Job{}, err
	}
	return q.Submit(old.Kind, request, old.Terms)
}

// newID returns 16 random hexadecimal digits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// enqueue lets a job wait. The caller holds the lock, or nobody else has the queue.
func (q *Queue) enqueue(e *entry) {
	q.waiting = append(q.waiting, e)
	select {
	case q.wake[q.laneOf(e)] <- struct{}{}:
	default:
	}
}

// laneOf returns the lane of a job. A kind that the server was not started for has none.
func (q *Queue) laneOf(e *entry) string { return q.kinds[e.job.Kind].Lane }

// waitingIn counts the jobs that wait in a lane. The caller holds the lock.
func (q *Queue) waitingIn(lane string) (n int) {
	for _, e := range q.waiting {
		if q.laneOf(e) == lane {
			n++
		}
	}
	return n
}

// List returns the jobs, the newest first.
func (q *Queue) List() []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []Job
	for _, e := range q.jobs {
		list = append(list, e.job.clone())
	}
	slices.SortFunc(list, func(a, b Job) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Kinds returns the names of what jobs can do, in alphabetical order.
func (q *Queue) Kinds() []string { return slices.Sorted(maps.Keys(q.kinds)) }

// Length returns how many jobs run and wait.
func (q *Queue) Length() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.jobs {
		if e.job.State == Running {
			running++
		}
	}
	return running, len(q.waiting)
}

// Get returns a job, and a channel that is closed when there is something new of it. It fails
// with ErrNone.
func (q *Queue) Get(id string) (Job, <-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.jobs[id]
	if !ok {
		return Job{}, nil, ErrNone
	}
	return e.job.clone(), e.changed, nil
}

// Cancel ends a job. One that runs ends within a step of its work; one that waits is ended
// now. It fails with ErrNone, or ErrEnded where nothing is left to cancel.
func (q *Queue) Cancel(id string) (Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.jobs[id]
	switch {
	case !ok:
		return Job{}, ErrNone
	case e.job.State.Ended():
		return Job{}, fmt.Errorf("job %s has %s: %w", id, e.job.State, ErrEnded)
	case e.job.State == Running:
		q.change(e, func(j *Job) { j.Cancelling = true })
		q.fault(q.write(e.job))
		e.cancel()
		return e.job.clone(), nil
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *entry) bool { return w == e })
	return q.end(e, Cancelled, nil, nil), nil
}

// change changes a job and tells who waits for that. The caller holds the lock.
func (q *Queue) change(e *entry, do func(*Job)) {
	do(&e.job)
	e.job.Version++
	close(e.changed)
	e.changed = make(chan struct{})
}

// end ends a job. The caller holds the lock.
func (q *Queue) end(e *entry, state State, result json.RawMessage, fault error) Job {
	now := q.opts.Now().UTC()
	q.change(e, func(j *Job) {
		j.State, j.Ended, j.Result, j.Cancelling = state, &now, result, false
		if fault != nil {
			j.Error = fault.Error()
		}
	})
	e.cancel = nil
	q.fault(q.keep(e.job))
	q.fault(q.forget())
	return e.job.clone()
}

func (q *Queue) fault(err error) {
	if err != nil {
		q.opts.Fault(fmt.Errorf("jobs: %w", err))
	}
}

// work runs the jobs of a lane until ctx ends.
func (q *Queue) work(ctx context.Context, lane string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake[lane]:
		}
		for e, inner := q.next(ctx, lane); e != nil; e, inner = q.next(ctx, lane) {
			q.run(inner, e)
		}
	}
}

// next begins the job of a lane that waits longest, nil where none does.
func (q *Queue) next(ctx context.Context, lane string) (*entry, context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := slices.IndexFunc(q.waiting, func(e *entry) bool { return q.laneOf(e) == lane })
	if ctx.Err() != nil || first < 0 {
		return nil, nil
	}
	e := q.waiting[first]
	q.waiting = slices.Delete(q.waiting, first, first+1)
	inner, cancel := context.WithCancel(ctx)
	now := q.opts.Now().UTC()
	q.change(e, func(j *Job) { j.State, j.Started, j.Tries = Running, &now, j.Tries+1 })
	e.cancel = cancel
	q.fault(q.write(e.job))
	return e, inner
}

// run does the work of a job.
func (q *Queue) run(ctx context.Context, e *entry) {
	result, err := q.do(ctx, e)
	q.mu.Lock()
	defer q.mu.Unlock()
	stopped := ctx.Err() != nil
	e.cancel()
	switch {
	case err == nil:
		q.end(e, Succeeded, result, nil)
	case stopped && q.closing && !e.job.Cancelling:
		q.change(e, func(j *Job) { j.State, j.Tries = Queued, j.Tries-1 }) // it is no fault of its own
		q.fault(q.write(e.job))
	case stopped:
		q.end(e, Cancelled, nil, nil)
	default:
		q.end(e, Failed, nil, err)
	}
}

// do calls the kind's Run. A panic in it is an error.
func (q *Queue) do(ctx context.Context, e *entry) (result json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(e.job.Kind, p)
		}
	}()
	kind, ok := q.kinds[e.job.Kind]
	if !ok { // the server was started for others
		return nil, fmt.Errorf("%q: %w", e.job.Kind, ErrKind)
	}
	request, err := q.request(e.job.ID)
	if err != nil {
		return nil, err
	}
	found, err := kind.Run(ctx, &Task{
		Request: request,
		Report: func(r progress.Report) {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.change(e, func(j *Job) { j.Stage, j.Done, j.Total = r.Stage, r.Done, r.Total })
		},
		Save: func(name string, content []byte) error { return q.save(e, name, content) },
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(found)
}

// clone returns a copy that shares nothing that changes.
func (j Job) clone() Job {
	j.Files = slices.Clone(j.Files)
	return j
}
