package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/source"
)

// Job brings a store in line with a source: after it, the store holds the rows
// that the source has, each once, and what it held of shards that are gone.
//
// Shards that the ledger has as finished are passed over unless they have
// changed since. In one that has, images that are the same as before are not
// encoded again, and rows that it has no longer are deleted.
type Job struct {
	Shards  []source.Shard // all of the source
	Encoder Encoder        // nil where every row is a vector
	Store   index.Store
	Ledger  *Ledger

	Part  Part         // of the shards
	Where index.Filter // stores only rows whose payload it chooses; nil: every row
	Prune bool         // delete the rows of shards that the source has no longer
	Retry bool         // try bad rows and damaged shards again

	Batch int // most images of one Encode, fewer where they are large; 0 means 16
	// Checkpoint is how much time's work a crash may cost; 0 means 20 seconds.
	Checkpoint time.Duration

	// Progress is told how many rows are settled, and then, while a store builds
	// what makes searches fast (see index.Bulk), how many it has indexed.
	Progress progress.Func

	watch func(good int) // is told how many rows are settled and not bad
}

// Run does the job. Where it ends early, because ctx ends, the store refuses
// or the encoder breaks, the report says what was done until then; that is in
// the store and in the ledger, and another Run goes on from there.
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
		p := &pipeline{job: j, dim: info.Dim, lookup: info.Count > 0, todo: todo, report: report}
		if err := p.run(ctx); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	return bulk.EndBulk(ctx, func(done, total int) {
		j.Progress.Report(progress.Report{Stage: Indexing, Unit: "rows", Done: int64(done), Total: int64(total)})
	})
}

// plan is what there is to do.
type plan struct {
	shards map[string]*source.Shard // those of the job
	todo   []*reading
	begun  []entry // records of those that are new or have changed
	end    end
}

// plan compares the shards of the source with the ledger.
func (j Job) plan(report *Report) (*plan, error) {
	shards := slices.Clone(j.Shards)
	where, err := j.filterText()
	if err != nil {
		return nil, err
	}
	list, names := source.NewFingerprint(), make(map[string]bool, len(shards))
	for i := range shards {
		s := &shards[i]
		if names[s.Name] {
			return nil, fmt.Errorf("two shards are called %s", s.Name)
		}
		names[s.Name] = true
		s.Fingerprint += where // another filter makes another shard
		list.Add(s.Name)
		list.Add(s.Fingerprint)
	}
	p := &plan{shards: map[string]*source.Shard{}, end: end{Part: j.Part, Shards: len(shards), List: list.String()}}
	own := j.Part.of(shards)
	report.Shards = len(own)
	for i := range own {
		p.shards[own[i].Name] = &own[i]
		j.planShard(p, own[i], report)
	}
	return p, nil
}

// planShard says what to do about a shard.
func (j Job) planShard(p *plan, s source.Shard, report *Report) {
	known := j.Ledger.state(s.Name)
	same := known != nil && known.Fingerprint == s.Fingerprint
	switch {
	case same && j.Retry && (len(known.bad) > 0 || known.Damaged != ""):
		report.count(counts{Unchanged: known.Stored + known.Unchanged, Excluded: known.Excluded})
		p.todo = append(p.todo, newRetry(s, known))
	case same:
		report.count(counts{Unchanged: known.Stored + known.Unchanged, Excluded: known.Excluded, Unusable: known.Unusable})
		if known.Done {
			report.Skipped++
			return
		}
		p.todo = append(p.todo, newReading(s, known))
	default:
		r := newReading(s, known)
		p.todo = append(p.todo, r)
		p.begun = append(p.begun, entry{Shard: &record{Name: s.Name, Fingerprint: s.Fingerprint, Stale: r.stale}})
	}
}

// filterText returns what tells the job's filter from others, "" for none.
func (j Job) filterText() (string, error) {
	if j.Where == nil {
		return "", nil
	}
	if err := j.Where.Check(); err != nil {
		return "", err
	}
	f := source.NewFingerprint()
	if err := describe(f, j.Where); err != nil {
		return "", err
	}
	return "-" + f.String(), nil
}

// describe notes what a filter says.
func describe(f source.Fingerprint, filter index.Filter) error {
	f.Add(fmt.Sprintf("%T", filter))
	var parts []index.Filter
	switch filter := filter.(type) {
	case index.And:
		parts = filter
	case index.Or:
		parts = filter
	case index.Not:
		parts = []index.Filter{filter.Filter}
	default:
		text, err := json.Marshal(filter)
		f.Add(string(text))
		return err
	}
	for _, part := range parts {
		if err := describe(f, part); err != nil {
			return err
		}
	}
	f.Add("end")
	return nil
}
