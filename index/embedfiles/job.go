package embedfiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/data/laion"
	"engram/data/progress"
	"engram/data/vfs"
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
	// Root is the absolute path of the folder that the paths and tars in metadata
	// are relative to, "" where nobody knows. It is recorded for who shows images.
	Root string

	// Rows is how many rows make a pair, at least: a shard is never divided. 0
	// means 1,000,000, as LAION has it.
	Rows            int
	Batch, Encoders int // as in ingest.Job

	// Progress is told how many rows this run has embedded or passed over, and
	// about how many there will be.
	Progress progress.Func

	fsys vfs.FS // of Dir; nil means vfs.OS
}

// Report says what a job did.
type Report struct {
	Pairs    int `json:"pairs"`    // in the folder
	Skipped  int `json:"skipped"`  // pairs that earlier runs published
	Rows     int `json:"rows"`     // in all pairs
	Encoded  int `json:"encoded"`  // rows that this run encoded
	Unusable int `json:"unusable"` // rows of the source that are in no pair
	// Bad are the first 1,000 unusable rows of the pairs that this run has
	// published. The folder bad/ has all, a file for each pair.
	Bad []ingest.Bad `json:"bad"`
	// Sources is as in ingest.Report.
	Sources []source.Summary `json:"sources,omitempty"`
	Seconds float64          `json:"seconds"`
}

// Rate returns encoded rows per second.
func (r *Report) Rate() float64 {
	if r.Seconds == 0 {
		return 0
	}
	return float64(r.Encoded) / r.Seconds
}

// Run embeds what is not there yet. Vectors have unit length. Pairs and their rows
// are in the order of the source. Shards that are new in a later run come in new
// pairs after the others. Where Run ends early, because ctx ends or the encoder
// fails, the next run goes on from there.
//
// ErrForeign refuses a folder of other settings or of another program, ErrChanged
// a source whose shards have changed since their pair was published, and
// index.ErrLocked a folder that another job is writing to.
func (j Job) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	r := &run{Job: j, report: &Report{Bad: []ingest.Bad{}}}
	err := r.do(ctx)
	r.report.Seconds = time.Since(start).Seconds()
	if err != nil {
		return r.report, fmt.Errorf("embed: %w", err)
	}
	return r.report, nil
}

// run is one run of a job.
type run struct {
	Job
	plan   *plan
	meter  meter
	report *Report
}

func (r *run) do(ctx context.Context) (err error) {
	if r.Rows <= 0 {
		r.Rows = 1_000_000
	}
	if r.fsys == nil {
		r.fsys = vfs.OS{}
	}
	if err := vfs.MkdirAllFS(r.fsys, r.Dir, 0o755); err != nil {
		return err
	}
	lock, err := disk.Folder{Path: r.Dir, FS: r.fsys}.Lock(".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if r.plan, err = readPlan(r.Dir, r.Settings); err != nil {
		return err
	}
	r.plan.root = cmp.Or(r.Root, r.plan.root)
	if err := r.plan.extend(r.Shards, r.Rows); err != nil {
		return err
	}
	if err := r.removeTemporary(); err != nil {
		return err
	}
	return r.embedPairs(ctx)
}

// removeTemporary removes files that killed jobs were writing, and what they
// were removing.
func (r *run) removeTemporary() error {
	for _, name := range []string{"." + PlanName + ".*.tmp", "bad/.bad_*.tmp", ".pair-*" + discarded} {
		left, err := fs.Glob(os.DirFS(r.Dir), name)
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := vfs.RemoveAllFS(r.fsys, filepath.Join(r.Dir, path)); err != nil {
				return err
			}
		}
	}
	return laion.Clean(r.fsys, r.Dir)
}

// embedPairs embeds the pairs that are not published, one after the other.
func (r *run) embedPairs(ctx context.Context) error {
	present, err := laion.Done(r.Dir, r.Set)
	if err != nil {
		return err
	}
	var todo []*pair
	for _, p := range r.plan.pairs {
		if !p.published(present) {
			todo = append(todo, p)
			continue
		}
		r.report.Skipped++
		r.report.count(p)
		// A job that was killed after it had published the pair has left it.
		if err := r.discardSpool(p); err != nil {
			return err
		}
	}
	r.meter = newMeter(r.Progress, todo)
	for _, p := range todo {
		r.meter.next(p)
		if err := r.embedPair(ctx, p); err != nil {
			return err
		}
		r.report.count(p)
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

// addBad lists unusable rows as long as there is room.
func (r *Report) addBad(bad []ingest.Bad) {
	const most = 1000
	r.Bad = append(r.Bad, bad[:min(len(bad), most-len(r.Bad))]...)
}
