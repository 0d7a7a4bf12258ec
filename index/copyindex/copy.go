package copyindex

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"engram/data/progress"
	"engram/index"
)

// ErrDiffers marks a copy that is not like its source, though every write
// succeeded.
var ErrDiffers = errors.New("the copy differs from its source")

// ErrRefused marks a copy that is like its source but for items that the target
// does not take, such as texts that are not UTF-8 (see index.Refused).
var ErrRefused = errors.New("refused by the target")

// Options say how to copy. The zero value is the default.
type Options struct {
	Batch    int // items of one Upsert; 0 means 256
	InFlight int // Upserts at a time; 0 means 4

	// Prune deletes the items of the target that the source does not have.
	Prune bool
	// Tolerance is how far an element of a vector in the target may be from the
	// source's to be the same; 0 means DefaultTolerance.
	Tolerance float64

	// Progress is told how many items are Copying, then Indexing where the engine
	// says how far it is, then, where anything was written, Checking.
	Progress progress.Func
}

// The stages of Copy, as its progress names them.
const (
	Copying  = "copying"  // both stores are read, and the target is written to
	Indexing = "indexing" // the target builds what makes searches fast
	Checking = "checking" // both stores are read and compared
)

// Report says what Copy did.
type Report struct {
	Items     int `json:"items"`     // of the source
	Added     int `json:"added"`     // of those, new in the target
	Changed   int `json:"changed"`   // of those, replaced in the target
	Unchanged int `json:"unchanged"` // of those, left as they were
	Extra     int `json:"extra"`     // items of the target that the source does not have
	Pruned    int `json:"pruned"`    // of those, deleted

	Refused  int       `json:"refused"`            // items of the source that the target does not take
	Refusals []Refusal `json:"refusals,omitempty"` // 1,000 of those at most, by id

	// Digest is that of the ids and payloads copied (see audit.Digest).
	Digest string `json:"digest"`
	// MaxDeviation is the largest difference of an element of a vector in the
	// target from the source's.
	MaxDeviation float64 `json:"max_deviation"`
	Seconds      float64 `json:"seconds"`
}

// Refusal is an item that the target does not take.
type Refusal struct {
	ID      index.ID      `json:"id,string"`
	Payload index.Payload `json:"payload"`
	Reason  string        `json:"reason"`
}

// Copy puts the items of from into to and proves that they are there. An item
// that the target has already, with an equal payload and a vector within the
// tolerance, is left alone; so a copy that was broken off goes on where it was,
// and a later one brings the target up to date. Items that the target alone has
// stay, unless they are to be pruned.
//
// A target of another dimension (index.ErrDimension) or bundle
// (index.ErrBundle) is refused before anything is written. In memory are no
// more than InFlight+1 batches. A target that is index.Bulk and lacks more than
// half of the items takes them in bulk.
//
// Items that the target does not take are passed over, and what it had under
// their ids stays; once all others are copied and proven, the error is ErrRefused.
//
// Afterwards both stores are read again, side by side: every item of the
// source must be in the target, with an equal payload, exactly, and a vector
// within the tolerance, the digests of ids and payloads must be equal, and the
// target must count as many items as were found there; else the error is
// ErrDiffers. Where nothing had to be written, the first pass was that proof.
// Nobody else may write to either store meanwhile. Beside an error the report
// says what was done until then.
func Copy(ctx context.Context, from, to index.Store, opts Options) (*Report, error) {
	start := time.Now()
	if opts.Batch <= 0 {
		opts.Batch = 256
	}
	if opts.InFlight <= 0 {
		opts.InFlight = 4
	}
	c := &copying{Options: opts, from: from, to: to, report: &Report{}, refused: map[index.ID]bool{}}
	err := c.run(ctx)
	c.report.Seconds = time.Since(start).Seconds()
	if err != nil {
		return c.report, fmt.Errorf("transfer: %w", err)
	}
	return c.report, nil
}

// copying is one run of Copy.
type copying struct {
	Options
	from, to index.Store
	total    int        // items of the source
	before   int        // items of the target
	mu       sync.Mutex // guards what writes change of the following
	report   *Report
	refused  map[index.ID]bool
}

func (c *copying) run(ctx context.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	seen, err := c.load(ctx)
	if err != nil {
		return err
	}
	if err := c.to.Flush(ctx); err != nil {
		return err
	}
	if r := c.report; r.Added+r.Changed+r.Pruned+r.Refused > 0 {
		seen = newComparison(c.Tolerance)
		seen.except = c.refused
		if err := seen.run(ctx, c.from, c.to, func(done int) { c.progress(Checking, done) }); err != nil {
			return err
		}
	}
	d := seen.difference()
	c.report.MaxDeviation, c.report.Digest = d.MaxDeviation, d.Source
	return c.judge(ctx, d, d.Items+d.Extra+seen.older)
}

// judge says whether the target, which differs by d and yields so many items, is
// a copy.
func (c *copying) judge(ctx context.Context, d Difference, items int) error {
	info, err := c.to.Info(ctx)
	switch {
	case err != nil:
		return err
	case !d.None():
		return fmt.Errorf("of %d items %d are missing and %d are not the same: %w", d.Items, d.Missing, d.Changed, ErrDiffers)
	case c.Prune && d.Extra > 0:
		return fmt.Errorf("%d items that the source does not have are still there: %w", d.Extra, ErrDiffers)
	case info.Count != items:
		return fmt.Errorf("the copy counts %d items and yields %d: %w", info.Count, items, ErrDiffers)
	case c.report.Refused > 0:
		return fmt.Errorf("%d of %d items could not be copied, all others were: %w", c.report.Refused, c.report.Items, ErrRefused)
	}
	return nil
}

// progress reports every 256th item, and the first and the last one.
func (c *copying) progress(stage string, done int) {
	if done%256 == 1 || done == c.total {
		c.Progress.Report(progress.Report{Stage: stage, Unit: "items", Done: int64(done), Total: int64(c.total)})
	}
}

// check refuses a target that cannot take the items.
func (c *copying) check(ctx context.Context) error {
	from, err := c.from.Info(ctx)
	if err != nil {
		return err
	}
	to, err := c.to.Info(ctx)
	if err != nil {
		return err
	}
	c.total, c.before = from.Count, to.Count
	switch {
	case from.Dim != to.Dim:
		return fmt.Errorf("the source has vectors of %d elements, the target of %d: %w", from.Dim, to.Dim, index.ErrDimension)
	case !from.Space.Same(to.Space):
		return fmt.Errorf("the source was made with bundle %s, the target with %s: %w", bundleLabel(from), bundleLabel(to), index.ErrBundle)
	}
	return nil
}

// bundleLabel names the bundle of a store for messages.
func bundleLabel(info index.Info) string {
	if !info.Space.Known() {
		return "none"
	}
	return info.Space.String()
}
