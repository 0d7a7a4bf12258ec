package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/source"
)

// Job brings a store in line with a source: after it, the store holds every row
// of the source once, and, without Prune, the rows of shards that are gone.
//
// A shard that the ledger has as finished is skipped unless it has changed
// since. In a changed shard, images that are the same as before are not encoded
// again, and rows that are gone are deleted.
type Job struct {
	Shards  []source.Shard // all of the sources
	Labels  []string       // of these sources (see source.Labelled); nil: the unlabelled one
	Encoder Encoder        // nil where every row is a vector
	Store   index.Store
	Ledger  *Ledger

	Part  Part         // of the shards
	Where index.Filter // stores only rows whose payload it chooses; nil: every row
	Prune bool         // delete the rows of shards that the source has no longer
	Retry bool         // try bad rows and damaged shards again

	Batch    int // most images of one Encode, fewer where they are large; 0 means 16
	Encoders int // calls of Encode at a time; 0 means 2: one encodes while the other's images are prepared or stored
	// Checkpoint is how much time's work a crash may cost; 0 means 20 seconds.
	Checkpoint time.Duration

	// Progress is told how many rows are settled, and then, while a store builds
	// what makes searches fast (see index.Bulk), how many it has indexed.
	Progress progress.Func

	watch func(good int) // is told how many rows are settled and not bad
}

// Run does the job. Where it ends early, because ctx ends or the store or the
// encoder fails, the report says what was done until then. The store and the
// ledger have that, and another Run goes on from there.
func (j Job) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	report := newReport()
	err := j.run(ctx, report)
	slices.SortFunc(report.Bad, func(a, b Bad) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(report.GoneNames)
	report.Seconds = time.Since(start).Seconds()
	if err != nil {
		return report, fmt.Errorf("build: %w", err)
	}
	return report, nil
}

func (j Job) run(ctx context.Context, report *Report) error {
	if j.Batch <= 0 {
		j.Batch = 16
	}
	if j.Encoders <= 0 {
		j.Encoders = 2
	}
	if j.Checkpoint <= 0 {
		j.Checkpoint = 20 * time.Second
	}
	info, err := j.Store.Info(ctx)
	if err != nil {
		return err
	}
	p, err := j.plan(report)
	if err != nil {
		return err
	}
	if err := j.Ledger.append(p.begun...); err != nil {
		return err
	}
	if err := j.load(ctx, p.todo, info, report); err != nil {
		return err
	}
	if err := j.clean(ctx, p, report); err != nil {
		return err
	}
	return j.Ledger.append(entry{End: &p.end})
}

// load brings the rows of shards into the store. It ends a bulk load even where
// no shard is left: an earlier run may have been killed before it came to that.
func (j Job) load(ctx context.Context, todo []*reading, info index.Info, report *Report) error {
	bulk, ok := j.Store.(index.Bulk)
	if len(todo) > 0 {
		if ok {
			if err := bulk.BeginBulk(ctx); err != nil {
				return err
			}
		}
		if err := j.runPipeline(ctx, todo, info, report); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	return bulk.EndBulk(ctx, func(r progress.Report) {
		r.Unit = "rows" // an item is a row of a source here
		j.Progress.Report(r)
	})
}

// runPipeline takes the rows of shards into the store, and records what is done
// when it ends, for whatever reason.
func (j Job) runPipeline(ctx context.Context, todo []*reading, info index.Info, report *Report) error {
	start := time.Now()
	p := &pipeline{
		encoder: j.Encoder, store: j.Store, where: j.Where, batch: j.Batch, encoders: j.Encoders,
		info: info, filled: info.Count > 0, recorder: newRecorder(j, todo, report),
	}
	err := p.run(ctx, todo, j.Checkpoint)
	report.EncoderBusy = p.encoding.total.Seconds() / max(time.Since(start).Seconds(), 1e-9)
	// Also after an error, such as an interrupt. A store that has failed is likely
	// to fail again; its first error counts.
	if last := p.recorder.record(ctx); err == nil {
		err = last
	}
	return err
}
