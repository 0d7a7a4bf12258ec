package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/index"
	"engram/index/local"
)

// The hits of a search, and how many of them one of the recalls looks at.
const (
	hitsAsked = 16
	hitsFirst = 10
)

// Spec says what is measured. One of Vectors, Hard and Index says of what.
type Spec struct {
	Dir     string // folder on the disk where the index is built, and removed
	Out     string // folder of the index that is built, which stays; "": in Dir
	Vectors string // .npy file of the items, [N, D]
	Hard    int    // items to generate
	Dim     int    // their elements
	Index   string // an index that is there

	Queries string // .npy file, [Q, D]; "": generated, or items that are turned
	Outside string // .npy file of queries of another distribution
	Truth   string // .npy file of the ids of the nearest items, [Q, 16 or more]; "": an exact search

	Recalls []float64 // to ask for, each in (0, 1]
	Threads []int     // that search at the same time
	Rounds  int       // of the queries, after one that warms up
	Seed    uint64    // of what is generated
}

// Report says what was measured, and where.
type Report struct {
	System  string  `json:"system"` // GOOS/GOARCH
	Cores   int     `json:"cores"`
	Kernels string  `json:"kernels"`
	Source  string  `json:"source"` // of the items
	Engine  string  `json:"engine"`
	Items   int     `json:"items"`
	Dim     int     `json:"dim"`
	Build   *Build  `json:"build,omitempty"`
	OpenMS  float64 `json:"open_ms"`
	// Memory is by how many bytes the process grew by opening the index and by the first
	// searches that need not be exact, and Mapped how much of its files these have read
	// into memory, which the system takes back when it needs room. 0 where the system
	// does not tell. Without Spec.Truth an exact search has read all before.
	Memory int64 `json:"memory_bytes,omitempty"`
	Mapped int64 `json:"mapped_bytes,omitempty"`
	// Resident is all that the process then held in memory, the program's own files
	// included, and Anonymous the part that is of no file.
	Resident  int64   `json:"resident_bytes,omitempty"`
	Anonymous int64   `json:"anonymous_bytes,omitempty"`
	Batch     float64 `json:"exact_batch_queries_per_second,omitempty"` // on all threads
	Points    []Point `json:"points"`

	before struct{ memory, mapped int64 } // of the process when the index was opened
}

// Build says what building the index took.
type Build struct {
	Seconds float64 `json:"seconds"`
	Rows    float64 `json:"rows_per_second"`
	Disk    int64   `json:"disk_bytes"`
}

// Point is the searches by one set of queries for one recall on some threads.
type Point struct {
	State   string  `json:"state,omitempty"` // of the index (see RunChurn)
	Queries string  `json:"queries"`         // "in" or "out" of the items' distribution
	Count   int     `json:"count"`
	Threads int     `json:"threads"`
	Asked   float64 `json:"asked_recall"` // 0: exact
	// Shares of the 10 and 16 nearest items that were found.
	Recall10 float64 `json:"recall_10"`
	Recall16 float64 `json:"recall_16"`
	// Least10 is what 95 of 100 queries find of their 10 nearest items at least.
	Least10 float64 `json:"recall_10_of_95_percent"`
	// Queries a second: the median of the rounds, the slowest and the fastest.
	Rate float64 `json:"queries_per_second"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
}

// check refuses what cannot be measured.
func (s Spec) check() error {
	given := 0
	for _, g := range []bool{s.Vectors != "", s.Hard != 0, s.Index != ""} {
		if g {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf("vectors, generated items or an index are measured, %d of the three were given, wanted one", given)
	case s.Hard < 0 || s.Hard > 0 && s.Dim < 1:
		return fmt.Errorf("%d items of %d elements to generate, wanted 1 or more of both", s.Hard, s.Dim)
	case s.Truth != "" && s.Queries == "":
		return errors.New("a file of the nearest items is of the queries of a file, which is not given")
	case s.Rounds < 1 || len(s.Threads) == 0:
		return fmt.Errorf("%d rounds on %v threads, wanted 1 or more", s.Rounds, s.Threads)
	}
	for _, t := range s.Threads {
		if t < 1 || t > runtime.NumCPU() {
			return fmt.Errorf("%d threads, wanted 1 to %d", t, runtime.NumCPU())
		}
	}
	for _, r := range s.Recalls {
		if !(r > 0 && r <= 1) {
			return fmt.Errorf("a recall of %v, wanted a number above 0 and up to 1", r)
		}
	}
	return nil
}

// Run builds an index of the items, unless one is there, and searches it. Stages:
// "building" in items, "searching" in points.
func Run(ctx context.Context, a *app.App, spec Spec, watch progress.Func) (_ *Report, err error) {
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r := &Report{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Kernels: local.Kernels(), Source: spec.Index}
	name := spec.Index
	var generated *hard
	if name == "" {
		if name = spec.Out; name == "" {
			dir, err := os.MkdirTemp(spec.Dir, "engram-bench-")
			if err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			name = filepath.Join(dir, "index")
		}
		if generated, err = r.build(ctx, spec, name, watch); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	debug.FreeOSMemory() // what building left
	r.before.memory, r.before.mapped = resident()
	start := time.Now()
	x, err := a.OpenIndex(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	r.OpenMS = time.Since(start).Seconds() * 1e3
	r.Engine, r.Items, r.Dim = x.Info.Engine, x.Info.Count, x.Info.Dim
	if r.Items == 0 {
		return nil, errors.New("bench: the index is empty, wanted items to search")
	}
	sets, err := querySets(ctx, spec, x.Store, generated)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := r.search(ctx, spec, x.Store, sets, r.counter(watch, spec, sets, 1)); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return r, nil
}

// build makes an index of the items of a file, or of generated ones.
func (r *Report) build(ctx context.Context, spec Spec, name string, watch progress.Func) (*hard, error) {
	var rows source
	var generated *hard
	if spec.Vectors != "" {
		file, err := openFile(spec.Vectors)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		rows, r.Source = file, spec.Vectors
	} else {
		generated = newHard(spec.Hard, spec.Dim, spec.Seed)
		rows, r.Source = generated, fmt.Sprintf("generated, seed %d", spec.Seed)
	}
	store, err := local.Create(name, local.Options{Dim: rows.dim()})
	if err != nil {
		return nil, err
	}
	spent, err := fill(ctx, store, rows, watch.Stage("building", "items", int64(rows.count())))
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	b := &Build{Seconds: spent.Seconds(), Rows: float64(rows.count()) / spent.Seconds()}
	if b.Disk, err = folderSize(name); err != nil {
		return nil, err
	}
	r.Build = b
	return generated, nil
}

// batchRows is the items of one Upsert.
const batchRows = 2048

// fill puts rows into a store under their numbers, and returns what that took, the
// reading or making of rows left out.
func fill(ctx context.Context, store index.Bulk, rows source, done func(n, total int64)) (time.Duration, error) {
	var spent time.Duration
	timed := func(work func() error) error {
		start := time.Now()
		err := work()
		spent += time.Since(start)
		return err
	}
	if err := timed(func() error { return store.BeginBulk(ctx) }); err != nil {
		return 0, err
	}
	for lo := 0; lo < rows.count(); lo += batchRows {
		vectors, err := rows.read(ctx, lo, min(batchRows, rows.count()-lo))
		if err != nil {
			return 0, err
		}
		items := make([]index.Item, len(vectors))
		for i, v := range vectors {
			items[i] = index.Item{ID: index.ID(lo + i), Vector: v}
			if of, ok := rows.(labelled); ok {
				items[i].Payload = of.payload(lo + i)
			}
		}
		if err := timed(func() error { return store.Upsert(ctx, items) }); err != nil {
			return 0, err
		}
		done(int64(lo+len(items)), int64(rows.count()))
	}
	err := timed(func() error { return store.EndBulk(ctx, nil) })
	return spent, err
}

// folderSize is the bytes of the files in a folder.
func folderSize(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	size := int64(0)
	for _, entry := range entries {
		info, infoErr := entry.Info()
		if infoErr != nil {
			return 0, infoErr
		}
		size += info.Size()
	}
	return size, err
}
