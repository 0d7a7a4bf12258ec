package ingest

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"engram/data/progress"
	"engram/index/source"
)

const (
	// maxReaders is how many shards are read at a time.
	maxReaders = 4
	// encoders is how many batches are encoded at a time: while one is prepared or
	// stored, the other has the model.
	encoders = 2
	// maxBad is how many bad rows wait to be recorded until it is time.
	maxBad = 1000
)

// pipeline is one run of readers, decoders and encoders over the shards of todo.
// In memory are some rows for each reader, an image for each decoder, a batch
// that is gathered and one for each encoder.
type pipeline struct {
	job    Job
	dim    int
	lookup bool // the store may have some of the rows
	todo   []*reading

	encoding meter
	busy     atomic.Int32  // batches that are being encoded
	idle     chan struct{} // says that it may have become 0
	due      chan struct{} // asks for a record before it is time

	mu      sync.Mutex // guards what follows, every reading, and calls of Progress
	active  []*reading // begun and not recorded as done
	bad     int        // rows that wait to be recorded
	settled int        // rows
	ahead   forecast
	lines   []entry // that wait to be recorded
	report  *Report
}

// work is a row of a shard that is being read.
type work struct {
	*reading
	n   int // its number
	row source.Row
}

// run goes through the shards. What is done when it ends, for whatever reason,
// is recorded.
func (p *pipeline) run(ctx context.Context) error {
	p.due, p.idle = make(chan struct{}, 1), make(chan struct{}, 1)
	p.ahead = newForecast(p.todo)
	start := time.Now()
	err := p.flow(ctx)
	p.report.EncoderBusy = p.encoding.busy.Seconds() / max(time.Since(start).Seconds(), 1e-9)
	// After an interrupt as well. A store that has failed is likely to do so
	// again; its first error counts.
	if last := p.record(ctx); err == nil {
		err = last
	}
	return err
}

// flow runs the goroutines and waits for them.
func (p *pipeline) flow(ctx context.Context) error {
	shards, rows, images := make(chan *reading), make(chan work), make(chan decoded)
	batches := make(chan []decoded)
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{})
	group.Go(func() error { return p.keepRecords(ctx, done) })
	stage(group, 1, func() error { return p.feed(ctx, shards) }, func() { close(shards) })
	stage(group, min(maxReaders, runtime.GOMAXPROCS(0)),
		func() error { return p.read(ctx, shards, rows) }, func() { close(rows) })
	stage(group, runtime.GOMAXPROCS(0),
		func() error { return p.decode(ctx, rows, images) }, func() { close(images) })
	stage(group, 1, func() error { return p.gather(ctx, images, batches) }, func() { close(batches) })
	stage(group, encoders, func() error { return p.encode(ctx, batches) }, func() { close(done) })
	return group.Wait()
}

// stage runs n goroutines, and then what follows the last of them.
func stage(group *errgroup.Group, n int, do func() error, then func()) {
	var running sync.WaitGroup
	running.Add(n)
	for range n {
		group.Go(func() error {
			defer running.Done()
			return do()
		})
	}
	group.Go(func() error {
		running.Wait()
		then()
		return nil
	})
}

// send puts v into a channel unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notify leaves a note in a channel with room for one, unless there is one.
func notify(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// feed hands out the shards.
func (p *pipeline) feed(ctx context.Context, shards chan<- *reading) error {
	for _, r := range p.todo {
		if err := send(ctx, shards, r); err != nil {
			return err
		}
	}
	return nil
}

// keepRecords records what is settled from time to time until done.
func (p *pipeline) keepRecords(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(p.job.Checkpoint)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-p.due:
		}
		if err := p.record(ctx); err != nil {
			return err
		}
	}
}

// record writes into the ledger what is settled, after the store has made it
// durable. An interrupt does not keep it from that.
func (p *pipeline) record(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	p.mu.Lock()
	for _, r := range p.active {
		if rec, ok := r.record(); ok {
			p.lines = append(p.lines, entry{Shard: &rec})
		}
	}
	p.active = slices.DeleteFunc(p.active, (*reading).done)
	lines := p.lines
	p.bad = 0
	p.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	if err := p.job.Store.Flush(ctx); err != nil {
		return err
	}
	if err := p.job.Ledger.append(lines...); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = nil
	for _, l := range lines {
		if l.Shard.Done {
			p.finish(p.job.Ledger.shards[l.Shard.Name])
		}
	}
	p.progress()
	return nil
}

// finish counts a shard that is recorded as done.
func (p *pipeline) finish(s *state) {
	p.report.Finished++
	if s.Damaged != "" {
		p.report.Damaged++
	}
	list(&p.report.PerShard, ShardReport{
		Name: s.Name, Rows: s.Next, Bad: s.Unusable, Damaged: s.Damaged, Seconds: s.Seconds,
	})
}

// outcome is what became of a row.
type outcome struct {
	work
	counts
	reason string // why it is bad
}

// settle counts rows that are stored or passed over for good.
func (p *pipeline) settle(outcomes []outcome) {
	if len(outcomes) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range outcomes {
		s := settled{counts: o.counts}
		if o.reason != "" {
			s.bad = &Bad{Row: o.n, Name: cmp.Or(o.row.Name, source.RowName(o.Name, o.n)), Reason: o.reason}
			list(&p.report.Bad, *s.bad)
			p.bad++
		}
		o.settle(o.n, s)
		p.report.count(o.counts)
		p.settled += o.rows()
	}
	if p.bad > maxBad {
		notify(p.due)
	}
	p.progress()
}

// unusable is the outcome of a bad row.
func unusable(w work, err error) outcome {
	return outcome{w, counts{Unusable: 1}, err.Error()}
}

// progress tells how far the run is. The caller holds the lock.
func (p *pipeline) progress() {
	total := max(p.settled, p.ahead.total())
	p.job.Progress.Report(progress.Report{Stage: Reading, Unit: "rows", Done: int64(p.settled), Total: int64(total)})
	if p.job.watch != nil {
		p.job.watch(p.settled - p.report.Unusable)
	}
}
