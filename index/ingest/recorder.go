package ingest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/source"
)

// maxBad is how many bad rows wait to be recorded until it is time.
const maxBad = 1000

// recorder keeps account of what becomes of rows, and writes it into the ledger
// once the store has made it durable.
type recorder struct {
	store    index.Store
	ledger   *Ledger
	progress progress.Func
	watch    func(good int)
	due      chan struct{} // asks for a record before it is time

	mu      sync.Mutex // guards what follows, every reading, and progress
	active  []*reading // begun and not recorded as done
	bad     int        // rows that wait to be recorded
	settled int        // rows
	ahead   forecast
	pending []entry // that could not be written yet
	report  *Report
}

func newRecorder(j Job, todo []*reading, report *Report) *recorder {
	return &recorder{
		store: j.Store, ledger: j.Ledger, progress: j.Progress, watch: j.watch,
		due: make(chan struct{}, 1), ahead: newForecast(todo), report: report,
	}
}

// begin notes that a shard is being read.
func (c *recorder) begin(shard *reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = append(c.active, shard)
}

// incomplete notes an image whose file ended early.
func (c *recorder) incomplete(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Incomplete++
	if len(c.report.IncompleteNames) < maxListed {
		c.report.IncompleteNames = append(c.report.IncompleteNames, name)
	}
}

// end notes that n rows are all that can be read of a shard. damage is why there
// are no more, nil at its end.
func (c *recorder) end(shard *reading, n int, damage error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shard.total = n
	if damage != nil {
		shard.damaged = damage.Error()
	}
	c.ahead.read(shard)
}

// settle counts rows that are stored or passed over for good. It leaves out rows
// that wait for the encoder.
func (c *recorder) settle(rows []row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.settled
	for i := range rows {
		r := &rows[i]
		if r.outcome == waiting {
			continue
		}
		s := settled{outcome: r.outcome}
		if r.outcome == unusable {
			s.bad = &Bad{Row: r.n, Name: cmp.Or(r.Name, source.RowName(r.shard.Name, r.n)), Reason: r.reason}
			c.report.Bad = appendListed(c.report.Bad, *s.bad)
			c.bad++
		}
		r.shard.settle(r.n, s)
		n := r.outcome.counts()
		c.report.count(n)
		c.settled += n.rows()
	}
	if c.bad > maxBad {
		notify(c.due)
	}
	if c.settled > before {
		c.tell()
	}
}

// keep records what is settled from time to time until done.
func (c *recorder) keep(ctx context.Context, every time.Duration, done <-chan struct{}) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.due:
		}
		if err := c.record(ctx); err != nil {
			return err
		}
	}
}

// record writes into the ledger what is settled, after the store has made it
// durable. An interrupt does not keep it from that.
func (c *recorder) record(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	entries := c.collect()
	if len(entries) == 0 {
		return nil
	}
	if err := c.store.Flush(ctx); err != nil {
		return err
	}
	if err := c.ledger.append(entries...); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = nil
	for _, e := range entries {
		if e.Shard.Done {
			c.report.finish(c.ledger.shards[e.Shard.Name])
		}
	}
	c.tell()
	return nil
}

// collect returns the entries of what is settled and not in the ledger. They
// stay pending until they are.
func (c *recorder) collect() []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.active {
		if rec, ok := r.record(); ok {
			c.pending = append(c.pending, entry{Shard: &rec})
		}
	}
	c.active = slices.DeleteFunc(c.active, (*reading).done)
	c.bad = 0
	return c.pending
}

// tell reports how far the run is. The caller holds the lock.
func (c *recorder) tell() {
	total := max(c.settled, c.ahead.total())
	c.progress.Report(progress.Report{Stage: Reading, Unit: "rows", Done: int64(c.settled), Total: int64(total)})
	if c.watch != nil {
		c.watch(c.settled - c.report.Unusable)
	}
}
