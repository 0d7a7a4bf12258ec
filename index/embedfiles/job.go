package embedfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/data/laion"
	"engram/data/progress"
	"engram/index/ingest"
	"engram/index/internal/disk"
	"engram/index/source"
)

// Job embeds a source into a folder. The encoder decodes the file of an image
// where Set is laion.Image, and the text of its first caption where it is
// laion.Text.
type Job struct {
	Settings
	Shards  []source.Shard // of the source
	Encoder ingest.Encoder
	Dir     string // made where it is not there

	// Rows is how many rows make a pair, at least: a shard is never divided. 0
	// means 1,000,000, as LAION has it.
	Rows  int
	Batch int // as in ingest.Job

	// Progress is told how many rows this run has embedded or passed over, and
	// about how many there will be.
	Progress progress.Func
}

// Report says what a job did.
type Report struct {
	Pairs    int `json:"pairs"`    // in the folder
	Skipped  int `json:"skipped"`  // of those, published by earlier runs
	Rows     int `json:"rows"`     // in all pairs
	Encoded  int `json:"encoded"`  // by this run
	Unusable int `json:"unusable"` // rows of the source that are in no pair
	// Bad are the unusable rows of the pairs that this run has published, the
	// first 1,000 of them. All are in the folder bad/, a file for each pair.
	Bad     []ingest.Bad `json:"bad"`
	Seconds float64      `json:"seconds"`
}

// Rate returns encoded rows per second.
func (r *Report) Rate() float64 {
	if r.Seconds == 0 {
		return 0
	}
	return float64(r.Encoded) / r.Seconds
}

// Run embeds what is not there yet. Vectors have unit length. The pairs follow
// each other in the order of the source's shards, and so do the rows in them;
// shards that are new in a later run come in new pairs after those that are
// there. Where Run ends early, because ctx ends or the encoder breaks, the next
// one goes on from there.
//
// ErrForeign refuses a folder that other settings or programs made, ErrChanged
// a source whose shards are not those of published pairs, index.ErrLocked a
// folder that another job is writing to.
func (j Job) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	report := &Report{Bad: []ingest.Bad{}}
	err := j.run(ctx, report)
	report.Seconds = time.Since(start).Seconds()
	if err != nil {
		return report, fmt.Errorf("pairs: %w", err)
	}
	return report, nil
}

func (j Job) run(ctx context.Context, report *Report) (err error) {
	if j.Rows <= 0 {
		j.Rows = 1_000_000
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return err
	}
	lock, err := disk.OpenFolder(j.Dir).Lock(".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	p, err := readPlan(j.Dir, j.Settings)
	if err != nil {
		return err
	}
	if err := p.extend(j.Shards, j.Rows); err != nil {
		return err
	}
	if err := j.clean(); err != nil {
		return err
	}
	return j.embed(ctx, p, report)
}

// clean removes what killed jobs have left of files that they were writing.
func (j Job) clean() error {
	for _, name := range []string{"." + PlanName + ".*.tmp", "bad/.bad_*.tmp"} {
		left, err := fs.Glob(os.DirFS(j.Dir), name)
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(filepath.Join(j.Dir, path)); err != nil {
				return err
			}
		}
	}
	return laion.Clean(j.Dir)
}

// embed makes the pairs that are not there, one after the other.
func (j Job) embed(ctx context.Context, p *plan, report *Report) error {
	whole, err := laion.Done(j.Dir, j.Set)
	if err != nil {
		return err
	}
	var todo []*pair
	for _, pair := range p.Pairs {
		if pair.published(whole) {
			report.Skipped++
			report.count(pair)
			// It is still there where the job was killed just before.
			if err := os.RemoveAll(j.spool(pair)); err != nil {
				return err
			}
			continue
		}
		todo = append(todo, pair)
	}
	meter := j.newMeter(todo)
	for _, pair := range todo {
		meter.begin(pair)
		if err := j.make(ctx, p, pair, meter, report); err != nil {
			return err
		}
		report.count(pair)
	}
	return nil
}

// count adds a published pair.
func (r *Report) count(p *pair) {
	if p.Rows > 0 {
		r.Pairs++
	}
	r.Rows += p.Rows
	r.Unusable += p.Bad
}

// list lists unusable rows as long as there is room.
func (r *Report) list(bad []ingest.Bad) {
	const most = 1000
	r.Bad = append(r.Bad, bad[:min(len(bad), most-len(r.Bad))]...)
}

// meter adds up the progress of pairs.
type meter struct {
	progress     progress.Func
	before, left int // rows of pairs that are done and to come
	now, about   int // rows of the pair under way: settled, and all of them
}

func (j Job) newMeter(todo []*pair) *meter {
	m := &meter{progress: j.Progress}
	for _, pair := range todo {
		m.left += pair.estimate()
	}
	return m
}

// begin goes on to the next pair.
func (m *meter) begin(p *pair) {
	m.before, m.now, m.about = m.before+m.now, 0, p.estimate()
	m.left -= m.about
}

// set takes a report of the pair under way.
func (m *meter) set(r progress.Report) {
	if r.Stage != ingest.Reading {
		return
	}
	m.now = int(r.Done)
	if r.Total > 0 {
		m.about = int(r.Total)
	}
	total := m.before + max(m.now, m.about) + m.left
	m.progress.Report(progress.Report{Stage: "embedding", Unit: "rows", Done: int64(m.before + m.now), Total: int64(total)})
}
