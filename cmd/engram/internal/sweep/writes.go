package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/local"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// WritesSpec says how an index is written to while it is searched.
type WritesSpec struct {
	Dir        string // folder on the disk where the index is built, and removed
	Hard       int    // items to generate
	Dim        int    // their elements
	Seed       uint64
	Durability string        // see local.ParseDurability
	Step       time.Duration // how long each step takes
}

// WritesReport says how fast an index was written to and searched.
type WritesReport struct {
	System     string `json:"system"` // GOOS/GOARCH
	Cores      int    `json:"cores"`
	Kernels    string `json:"kernels"`
	Items      int    `json:"items"` // at first
	Dim        int    `json:"dim"`
	Durability string `json:"durability"`
	Writers    int    `json:"writers"`
	Searchers  int    `json:"searchers"`
	Steps      []Load `json:"steps"`
}

// Load is what was done at the same time. Latencies are in milliseconds.
type Load struct {
	Name      string  `json:"name"`
	Upserts   float64 `json:"upserts_per_second"`
	UpsertP50 float64 `json:"upsert_p50_ms"`
	UpsertP99 float64 `json:"upsert_p99_ms"`
	Searches  float64 `json:"searches_per_second"`
	SearchP50 float64 `json:"search_p50_ms"`
	SearchP99 float64 `json:"search_p99_ms"`
	// Cores is the processor time that the process got, graphs and merges included, by the
	// time that the step took: on a machine that others use, fewer than it has.
	Cores float64 `json:"cores_used"`
}

const (
	// writers is how many goroutines upsert, one item a call, as many clients of a server
	// do. Each waits for its call to be durable.
	writers = 128
	// pooled is how many vectors are generated before the measurement. An upsert has the
	// sum of two of them.
	pooled = 8192
)

// RunWrites measures an index that is searched on half of the machine's threads without a
// pause, written to by many clients, and both at the same time. Half of the upserts replace
// items. Stages: "building" in items, "writing" in steps.
func RunWrites(ctx context.Context, spec WritesSpec, watch progress.Func) (_ *WritesReport, err error) {
	durability, err := local.ParseDurability(spec.Durability)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if spec.Hard < 1 || spec.Dim < 1 || spec.Step <= 0 {
		return nil, fmt.Errorf("bench: steps of %v with %d items of %d elements, wanted all above 0", spec.Step, spec.Hard, spec.Dim)
	}
	dir, err := os.MkdirTemp(spec.Dir, "engram-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := local.Create(filepath.Join(dir, "index"), local.Options{Dim: spec.Dim})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	l, err := newLoad(ctx, spec, store, watch)
	if err == nil {
		err = store.SetDurability(durability)
	}
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r := &WritesReport{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Kernels: local.Kernels(),
		Items: spec.Hard, Dim: spec.Dim, Durability: spec.Durability, Writers: writers, Searchers: max(1, runtime.GOMAXPROCS(0)/2),
	}
	done := watch.Stage("writing", "steps", 3)
	for i, step := range []struct {
		name                 string
		searchers, upserters int
	}{{"searches", r.Searchers, 0}, {"writes", 0, writers}, {"both", r.Searchers, writers}} {
		load, err := l.step(ctx, step.searchers, step.upserters)
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", step.name, err)
		}
		load.Name = step.name
		r.Steps = append(r.Steps, load)
		done(int64(i+1), 3)
	}
	return r, nil
}

// load is an index under load.
type load struct {
	store   *local.Store
	items   int
	pool    [][]float32
	queries [][]float32
	took    time.Duration // of a step
	next    atomic.Uint64 // number of the next upsert
}

// newLoad fills the store, and makes what is written and asked for.
func newLoad(ctx context.Context, spec WritesSpec, store *local.Store, watch progress.Func) (*load, error) {
	rows := newHard(spec.Hard, spec.Dim, spec.Seed)
	if _, err := fill(ctx, store, rows, watch.Stage("building", "items", int64(spec.Hard))); err != nil {
		return nil, err
	}
	pool, err := rows.read(ctx, spec.Hard, pooled) // beyond the items
	return &load{store: store, items: spec.Hard, pool: pool, queries: rows.queries(false), took: spec.Step}, err
}

// step searches on some goroutines and upserts on others.
func (l *load) step(ctx context.Context, searchers, upserters int) (Load, error) {
	group, ctx := errgroup.WithContext(ctx)
	start, used := time.Now(), processorTime()
	repeat := func(latencies *[]time.Duration, do func() error) {
		group.Go(func() error {
			for began := start; began.Sub(start) < l.took; {
				if err := do(); err != nil {
					return err
				}
				now := time.Now()
				*latencies = append(*latencies, now.Sub(began))
				began = now
			}
			return nil
		})
	}
	upserts, searches := make([][]time.Duration, upserters), make([][]time.Duration, searchers)
	for i := range upserts {
		rng := rand.New(rand.NewPCG(uint64(i), l.next.Load()))
		repeat(&upserts[i], func() error { return l.upsert(ctx, rng) })
	}
	for i := range searches {
		rng := rand.New(rand.NewPCG(uint64(i), 0))
		repeat(&searches[i], func() error {
			_, err := l.store.Search(ctx, index.Query{Vector: l.queries[rng.IntN(len(l.queries))], K: hitsFirst})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Load{}, err
	}
	var r Load
	spent := time.Since(start).Seconds()
	r.Cores = (processorTime() - used).Seconds() / spent
	r.Upserts, r.UpsertP50, r.UpsertP99 = summary(upserts, spent)
	r.Searches, r.SearchP50, r.SearchP99 = summary(searches, spent)
	return r, nil
}

// processorTime is what the process has had of the processors.
func processorTime() time.Duration {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// summary is the rate and the quantiles of calls that took these latencies.
func summary(latencies [][]time.Duration, seconds float64) (rate, p50, p99 float64) {
	var all []time.Duration
	for _, l := range latencies {
		all = append(all, l...)
	}
	if len(all) == 0 {
		return 0, 0, 0
	}
	p50, p99 = quantiles(all)
	return float64(len(all)) / seconds, p50, p99
}

// upsert adds a new item or replaces one.
func (l *load) upsert(ctx context.Context, rng *rand.Rand) error {
	a, b := l.pool[rng.IntN(len(l.pool))], l.pool[rng.IntN(len(l.pool))]
	v := make([]float32, len(a))
	for i := range v {
		v[i] = a[i] + b[i]/4
	}
	id := index.ID(rng.IntN(l.items))
	if rng.IntN(2) == 0 {
		id = index.ID(uint64(l.items) + l.next.Add(1))
	}
	return l.store.Upsert(ctx, []index.Item{{ID: id, Vector: v, Payload: index.Payload{"path": "photos/a.jpg"}}})
}

// Print writes the report as a table for people.
func (r *WritesReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "machine  %s, %d cores, %s kernels\n", r.System, r.Cores, r.Kernels)
	fmt.Fprintf(w, "items    %d × %d at first\n", r.Items, r.Dim)
	fmt.Fprintf(w, "writes   durability %s, %d clients, one item a call; %d searching without a pause\n\n", r.Durability, r.Writers, r.Searchers)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "load\tupserts/s\tp50 ms\tp99 ms\tsearches/s\tp50 ms\tp99 ms\tcores used")
	for _, s := range r.Steps {
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.2f\t%.0f\t%.3f\t%.3f\t%.2f\n", s.Name, s.Upserts, s.UpsertP50, s.UpsertP99, s.Searches, s.SearchP50, s.SearchP99, s.Cores)
	}
	return table.Flush()
}

// WriteFile writes the report as JSON.
func (r *WritesReport) WriteFile(path string) error { return writeJSON(path, r) }
