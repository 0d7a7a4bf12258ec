package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/local"
	"engram/index/source"
)

// Estimate says what a job would take.
type Estimate struct {
	Shards  int `json:"shards"`  // to be read
	Skipped int `json:"skipped"` // finished by earlier runs and not changed since
	// Rows is how many rows the shards to be read have. Guessed: some shards do not
	// tell, and count as many rows per byte as the one that was read to find out.
	Rows    int   `json:"rows"`
	Guessed bool  `json:"guessed"`
	Bytes   int64 `json:"bytes"` // of the shards' files

	Sampled int     `json:"sampled"` // rows that were read, decoded and encoded to find out
	Rate    float64 `json:"rate"`    // sampled rows per second
	Seconds float64 `json:"seconds"` // for all rows at that rate
	Disk    int64   `json:"disk"`    // bytes of the index that the embedded engine writes
	Memory  int64   `json:"memory"`  // bytes that the process needs, about
}

// Estimate does a part of the job for a while, at least until one row is read and
// encoded, and tells what all of it would take. Vectors are prepared as for the
// embedded engine, of the dimension and with the tokens that an index has, and not
// written. The job's Store is not used, and without a
// Ledger nothing counts as finished.
func (j Job) Estimate(ctx context.Context, of index.Info, during time.Duration) (*Estimate, error) {
	report := newReport()
	p, err := j.plan(report)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	e := &Estimate{Shards: len(p.todo), Skipped: report.Skipped}
	ahead := newForecast(p.todo)
	e.Rows, e.Guessed = ahead.counted, ahead.uncounted > 0
	for _, r := range p.todo {
		e.Bytes += r.Bytes
	}
	if e.Guessed {
		rows, err := guess(ctx, p.todo, ahead.uncounted)
		if err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		e.Rows += rows
	}
	if err := j.sample(ctx, e, of, during); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return e, nil
}

// guess returns about how many rows the shards have that do not tell and that
// have this many bytes together. It counts the rows of one shard from the middle
// that can be read to its end, or, where none can, the readable rows of all.
func guess(ctx context.Context, todo []*reading, bytes int64) (int, error) {
	var unknown []*reading
	for _, r := range todo {
		if r.Rows < 0 && r.Bytes > 0 {
			unknown = append(unknown, r)
		}
	}
	if len(unknown) == 0 {
		return 0, nil
	}
	middle := len(unknown) / 2
	var counted int
	var size int64 // bytes of the shards that were counted
	for _, r := range slices.Concat(unknown[middle:], unknown[:middle]) {
		n, err := countRows(ctx, &r.Shard)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err == nil {
			counted, size = n, r.Bytes
			break
		}
		counted, size = counted+n, size+r.Bytes
	}
	return int(float64(counted) / float64(size) * float64(bytes)), nil
}

// countRows returns how many rows of a shard can be read, and why not more.
func countRows(ctx context.Context, s *source.Shard) (int, error) {
	n := 0
	for rows, err := range s.Read(ctx, 0) {
		if err != nil {
			return n, err
		}
		n += len(rows)
	}
	return n, nil
}

// sample runs the job for a while on a store that keeps nothing.
func (j Job) sample(ctx context.Context, e *Estimate, of index.Info, during time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "engram-estimate-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if j.Ledger, err = OpenLedger(dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Ledger.Close()) }()
	scales := &scales{of: of}
	j.Store = scales
	limited, enough := context.WithCancel(ctx)
	defer enough()
	start := time.Now()
	j.watch = func(good int) {
		if time.Since(start) > during && good > 0 {
			enough()
		}
	}
	report, err := j.Run(limited)
	if err != nil && limited.Err() == nil || ctx.Err() != nil {
		return err
	}
	e.Sampled = report.Stored
	e.Rate = report.Rate()
	if e.Rate > 0 {
		e.Seconds = float64(e.Rows) / e.Rate
	}
	if scales.rows > 0 {
		e.Disk = scales.bytes / scales.rows * int64(e.Rows)
	}
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return err
	}
	e.Memory = used.Maxrss + local.BulkMemory
	if runtime.GOOS == "linux" { // which counts in kilobytes
		e.Memory = used.Maxrss<<10 + local.BulkMemory
	}
	return nil
}

// scales is a store that weighs its items and keeps nothing.
type scales struct {
	index.Store // nil: a job calls no other method
	of          index.Info
	mu          sync.Mutex
	rows, bytes int64
}

func (s *scales) Info(context.Context) (index.Info, error) {
	return index.Info{Engine: "estimate", Dim: s.of.Dim, Tokens: s.of.Tokens}, nil
}

func (s *scales) Upsert(_ context.Context, items []index.Item) error {
	size := 0
	if s.of.Tokens.Kept() {
		size = s.of.Tokens.Size()
	}
	b := disk.NewBuilder(s.of.Dim, len(items), size)
	for _, item := range items {
		if err := b.Add(item); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += int64(len(items))
	s.bytes += int64(b.Segment().Written())
	return nil
}

func (s *scales) Flush(context.Context) error { return nil }
func (s *scales) Close() error                { return nil }
