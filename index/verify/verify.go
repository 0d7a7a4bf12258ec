package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"engram/data/progress"
	"engram/index"
)

// Tolerance is how far the length of a stored vector may be from 1, and a score
// from the exact score. It allows for rounding to float32, as indextest.Contract
// does.
const Tolerance = 1e-5

// MinCosine is the least cosine similarity of a stored vector and the vector made
// again from its original. Another batch, another processor or half precision
// changes a vector by less. Vectors of different images are rarely that near.
const MinCosine = .999

// Original is what an item was made from: its vector made again, of any length but
// zero, or why that failed. The zero Original says that it is gone or has changed
// since, which is no fault of the index.
type Original struct {
	Vector  []float32
	Payload index.Payload // wanted of the item; nil: not known
	Err     error
}

// Options say how much is looked at. The zero value is the default.
type Options struct {
	Samples int     // items that are got by id and made again; 0 means 100
	Queries int     // searches that are compared with exact ones; 0 means 100
	K       int     // hits of a search; 0 means 10
	Recall  float64 // least mean recall@K, of more queries than are measured; 0 means 0.95
	Seed    uint64  // of the sample and the queries

	// Originals makes the vectors of items again, from images or whatever they were
	// made from. Where it is nil, Unknown says why that cannot be done.
	Originals func(ctx context.Context, items []index.Item) ([]Original, error)
	Unknown   string

	// Progress is told now and then how many items were read. Every item is read
	// twice.
	Progress progress.Func
}

// Outcome is how a check ended.
type Outcome string

// The outcomes of a check.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // there was nothing to check it with
)

// Check is the result of one check.
type Check struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail"` // one line
}

// Report is the result of Verify.
type Report struct {
	Info    index.Info `json:"-"`
	Items   int        `json:"items"`
	Digest  string     `json:"digest"` // of all items, see Digest
	Checks  []Check    `json:"checks"`
	Seconds float64    `json:"seconds"`
}

// OK reports whether no check failed.
func (r *Report) OK() bool {
	for _, c := range r.Checks {
		if c.Outcome == Failed {
			return false
		}
	}
	return true
}

func (r *Report) add(name string, outcome Outcome, format string, args ...any) {
	r.Checks = append(r.Checks, Check{name, outcome, fmt.Sprintf(format, args...)})
}

// Verify looks at every item of a store, and closer at a random sample of
// them. Its checks are
//
//	files     every byte agrees with its checksum, for engines with a method Verify(ctx) error
//	ids       All yields each id once, in ascending order
//	count     All yields as many items as Info counts
//	vectors   of Info's dimension, finite, of length 1 within Tolerance
//	payloads  hold only the types of values that stores keep
//	tokens    of sampled items are there, finite, and the first one is the vector (MinCosine)
//	rows      Get returns for sampled ids what All yielded
//	originals sampled items, made again, have the stored vectors (MinCosine) and payloads
//	search    finds what an exact search finds (mean recall@K), with exact scores
//
// A fault of the store is a failed check. An error says that checking itself did
// not come to its end. Memory is bounded by the samples and queries. A store that
// is written to meanwhile fails checks that it would pass at rest.
func Verify(ctx context.Context, store index.Store, opts Options) (*Report, error) {
	start := time.Now()
	if opts.Samples <= 0 {
		opts.Samples = 100
	}
	if opts.Queries <= 0 {
		opts.Queries = 100
	}
	if opts.K <= 0 {
		opts.K = 10
	}
	if opts.Recall == 0 {
		opts.Recall = .95
	}
	info, err := store.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := &verification{
		Options: opts, store: store, info: info, report: &Report{Info: info},
		rng: rand.New(rand.NewPCG(opts.Seed, 0)),
	}
	for _, check := range []func(context.Context) error{v.files, v.items, v.rows, v.tokens, v.originals, v.search} {
		if err := check(ctx); err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
	}
	v.report.Seconds = time.Since(start).Seconds()
	return v.report, nil
}

// verification is one run of Verify.
type verification struct {
	Options
	store  index.Store
	info   index.Info
	report *Report
	rng    *rand.Rand
	read   int // items so far, for Progress

	sample  []index.Item // of the sound items, in no order
	offered int          // items that were offered to the sample
}

// files asks the engine for its checksums.
func (v *verification) files(ctx context.Context) error {
	engine, ok := v.store.(interface{ Verify(context.Context) error })
	if !ok {
		v.report.add("files", Skipped, "an index of engine %s has no files here", v.info.Engine)
		return nil
	}
	switch err := engine.Verify(ctx); {
	case err == nil:
		v.report.add("files", OK, "every byte agrees with its checksum")
	case errors.Is(err, index.ErrCorrupt):
		v.report.add("files", Failed, "%v", err)
	default:
		return err
	}
	return nil
}

// progress notes that n more items were read.
func (v *verification) progress(n int) {
	v.read += n
	v.Progress.Report(progress.Report{
		Stage: "verifying", Unit: "items", Done: int64(v.read), Total: int64(max(v.read, 2*v.info.Count)),
	})
}

// fault counts the faults of one check, and describes the first.
type fault struct {
	count int
	first string
}

func (f *fault) add(format string, args ...any) {
	if f.count == 0 {
		f.first = fmt.Sprintf(format, args...)
	}
	f.count++
}

// check reports a check, failed where f counts a fault.
func (v *verification) check(name string, f fault, format string, args ...any) {
	if f.count > 0 {
		v.report.add(name, Failed, "%d wrong; the first: %s", f.count, f.first)
		return
	}
	v.report.add(name, OK, format, args...)
}
