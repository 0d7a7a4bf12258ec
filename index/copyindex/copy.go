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

// ErrDiffers marks a copy that is not equal to its source, though every write
// succeeded.
var ErrDiffers = errors.New("the copy differs from its source")

// ErrRefused marks a copy that is equal to its source but for items that the target
// does not take, such as payloads with texts that are not UTF-8 (see index.Refused).
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
	Copying  = "copying"      // both stores are read, and the target is written to
	Indexing = index.Indexing // the target builds what makes searches fast
	Checking = "checking"     // both stores are read and compared
)

// Report says what Copy did.
type Report struct {
	// Note says how the items came into an index of other sources, "" where they did
	// not. Whoever opened the indexes fills it in.
	Note string `json:"note,omitempty"`

	Items     int `json:"items"`     // items of the source
	Added     int `json:"added"`     // items that were new in the target
	Changed   int `json:"changed"`   // items that were replaced in the target
	Unchanged int `json:"unchanged"` // items that the target had as they are
	Extra     int `json:"extra"`     // items of the target that the source does not have
	Pruned    int `json:"pruned"`    // extra items that were deleted

	Refused  int       `json:"refused"`            // items of the source that the target does not take
	Refusals []Refusal `json:"refusals,omitempty"` // the first 1,000 by id

	// Digest is of the ids and payloads that were copied (see verify.Digest).
	Digest string `json:"digest"`
	// Tokens is how many items of the target have the source's tokens. TokenDigest is
	// the SHA-256 of ids, lengths and tokens as the target keeps them.
	Tokens      int    `json:"tokens,omitempty"`
	TokenDigest string `json:"token_digest,omitempty"`
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
// tolerance, is left alone. So a copy that was broken off goes on where it was,
// and a later copy brings the target up to date. Items that the target alone has
// stay unless opts.Prune is set.
//
// Tokens are copied where the target keeps some, and compared afterwards, byte by
// byte and by a digest, with what the target is to make of the source's. A target that keeps tokens which the source has
// not is refused (index.ErrTokens).
//
// A target of another dimension (index.ErrDimension) or model (index.ErrModel)
// is refused before anything is written. No more than InFlight+1 batches are in
// memory. A target that is index.Bulk and has less than half of the items takes
// them in bulk.
//
// Items that the target does not take are passed over, and the target keeps what
// it had under their ids. Once all other items are copied and proven, the error is
// ErrRefused.
//
// Afterwards both stores are read again, side by side. Every item of the source
// must be in the target, with exactly the same payload and a vector within the
// tolerance. The digests of ids and payloads must be equal, and the target must
// count as many items as it yields. Else the error is ErrDiffers. Where nothing
// had to be written, the first pass was that proof. Nobody else may write to
// either store meanwhile. Beside an error the report says what was done until
// then.
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
		return c.report, fmt.Errorf("copy: %w", err)
	}
	return c.report, nil
}

// copying is one run of Copy.
type copying struct {
	Options
	from, to index.Store
	tokens   *tokenCopy // nil where the target keeps none
	total    int        // items of the source
	before   int        // items of the target before the copy
	mu       sync.Mutex // guards report and refused while several goroutines write
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
		seen = newComparison(c.Tolerance, c.tokens)
		seen.except = c.refused
		if err := seen.run(ctx, c.from, c.to, func(done int) { c.progress(Checking, done) }); err != nil {
			return err
		}
	}
	c.report.MaxDeviation, c.report.Digest = seen.maxDeviation, seen.source.String()
	if c.tokens != nil {
		c.report.Tokens, c.report.TokenDigest = seen.withTokens, seen.foundTokens.String()
	}
	return c.judge(ctx, seen)
}

// judge says whether the target, which was compared with the source, is a copy.
func (c *copying) judge(ctx context.Context, seen *comparison) error {
	info, err := c.to.Info(ctx)
	yielded := seen.items - seen.missing + seen.extra + seen.older
	switch {
	case err != nil:
		return err
	case !seen.equal():
		return fmt.Errorf("of %d items %d are missing and %d are not the same: %w", seen.items, seen.missing, seen.changed, ErrDiffers)
	case c.Prune && seen.extra > 0:
		return fmt.Errorf("%d items that the source does not have are still there: %w", seen.extra, ErrDiffers)
	case info.Count != yielded:
		return fmt.Errorf("the copy counts %d items and yields %d: %w", info.Count, yielded, ErrDiffers)
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
	case CheckSource(from) != nil:
		return CheckSource(from)
	case from.Dim != to.Dim:
		return fmt.Errorf("the source has vectors of %d elements, the target of %d: %w", from.Dim, to.Dim, index.ErrDimension)
	case !from.Space.Same(to.Space):
		return fmt.Errorf("the source was made with model %s, the target with %s: %w", modelLabel(from), modelLabel(to), index.ErrModel)
	}
	c.tokens, err = newTokenCopy(c.from, c.to, from.Tokens, to.Tokens)
	return err
}

// CheckSource refuses a source that is damaged (index.ErrCorrupt): what is lost there would
// be pruned from the target.
func CheckSource(from index.Info) error {
	if from.Damage == "" {
		return nil
	}
	return fmt.Errorf("the source is to be repaired first: %s: %w", from.Damage, index.ErrCorrupt)
}

// modelLabel names the model of a store for messages.
func modelLabel(info index.Info) string {
	if !info.Space.Known() {
		return "none"
	}
	return info.Space.String()
}
