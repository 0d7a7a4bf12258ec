package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
	Vectors    string // NumPy file, [N, D], with the items' vectors
	Hard       int    // or items to generate
	Dim        int    // their elements
	Seed       uint64
	Durability string        // see local.ParseDurability
	Step       time.Duration // how long each step is measured
	Rate       float64       // upserts a second; 0: as many as there can be
}

// WritesReport says how fast an index was written to and searched.
type WritesReport struct {
	System     string  `json:"system"` // GOOS/GOARCH
	Cores      int     `json:"cores"`
	Kernels    string  `json:"kernels"`
	Items      int     `json:"items"` // at first
	Dim        int     `json:"dim"`
	Durability string  `json:"durability"`
	Writers    int     `json:"writers"`
	Searchers  int     `json:"searchers"`
	Rate       float64 `json:"wanted_upserts_per_second,omitempty"`
	Steps      []Load  `json:"steps"`
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
	// Recall is the share of the ten nearest items that searches found, of Compared searches
	// that an exact one was made before and after with the same answer; 0 where none was.
	Recall   float64 `json:"recall10,omitempty"`
	Compared int     `json:"compared_searches,omitempty"`
	// Cores is the processor time that the process got, graphs and merges included, by the
	// time of the step: on a machine that others use, fewer than it has.
	Cores float64 `json:"cores_used"`
}

const (
	// writers is how many goroutines upsert, one item a call, as many clients of a server
	// do. Each waits for its call to be durable.
	writers = 128
	// pooled is how many vectors are generated before the measurement. An upsert has the
	// sum of two of them.
	pooled = 8192
	// compareEvery is how often a search is compared with exact ones.
	compareEvery = 200 * time.Millisecond
	// lead is how long a load runs before it is measured: the first upserts are under way
	// for so long that none has ended.
	lead = 250 * time.Millisecond
)

// RunWrites measures an index that is searched on half of the machine's threads without a
// pause, written to by many clients too, and written to alone. Half of the upserts replace
// items. Stages: "building" in items, "writing" in steps.
func RunWrites(ctx context.Context, spec WritesSpec, watch progress.Func) (_ *WritesReport, err error) {
	durability, err := local.ParseDurability(spec.Durability)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if spec.Step <= 0 || !(spec.Rate >= 0 && spec.Rate <= math.MaxFloat64) {
		return nil, fmt.Errorf("bench: steps of %v with %v upserts a second, wanted a time and a rate", spec.Step, spec.Rate)
	}
	rows, err := FiltersSpec{Vectors: spec.Vectors, Hard: spec.Hard, Dim: spec.Dim, Seed: spec.Seed, Rounds: 1}.open()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dir, err := os.MkdirTemp(spec.Dir, "engram-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := local.Create(filepath.Join(dir, "index"), local.Options{Dim: rows.dim()})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	l, err := newLoad(ctx, spec, rows, store, watch)
	if err == nil {
		err = store.SetDurability(durability)
	}
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r := newWritesReport(spec, rows)
	done := watch.Stage("writing", "steps", 3)
	for i, step := range []struct {
		name                 string
		searchers, upserters int
	}{{"searches", r.Searchers, 0}, {"both", r.Searchers, writers}, {"writes", 0, writers}} {
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

func newWritesReport(spec WritesSpec, rows source) *WritesReport {
	return &WritesReport{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Kernels: local.Kernels(),
		Items: rows.count(), Dim: rows.dim(), Durability: spec.Durability, Writers: writers, Searchers: max(1, runtime.GOMAXPROCS(0)/2), Rate: spec.Rate,
	}
}

// load is an index under load.
type load struct {
	store   *local.Store
	items   int
	pool    [][]float32
	queries [][]float32
	took    time.Duration // of what is measured of a step
	rate    float64
	next    atomic.Uint64 // number of the next item
	slots   atomic.Int64  // upserts that were begun in a step with a rate
}

// newLoad fills the store, and makes what is written and asked for.
func newLoad(ctx context.Context, spec WritesSpec, rows source, store *local.Store, watch progress.Func) (*load, error) {
	if _, err := fill(ctx, store, rows, watch.Stage("building", "items", int64(rows.count()))); err != nil {
		return nil, err
	}
	l := &load{store: store, items: rows.count(), took: spec.Step, rate: spec.Rate}
	var err error
	if generated, ok := rows.(*hard); ok {
		l.queries = generated.queries(false)
		l.pool, err = rows.read(ctx, spec.Hard, pooled) // beyond the items
		return l, err
	}
	if l.queries, err = turned(ctx, store, spec.Seed); err == nil {
		l.pool, err = rows.read(ctx, 0, min(pooled, l.items))
	}
	return l, err
}

// step searches on some goroutines and upserts on others. It measures the calls that end in
// the time of a step, which begins after lead.
func (l *load) step(ctx context.Context, searchers, upserters int) (Load, error) {
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	from, end := start.Add(lead), start.Add(lead+l.took)
	repeat := func(latencies *[]time.Duration, wait func() error, do func() error) {
		group.Go(func() error {
			for {
				if err := wait(); err != nil {
					return err
				}
				began := time.Now()
				if !began.Before(end) {
					return nil
				}
				if err := do(); err != nil {
					return err
				}
				if ended := time.Now(); ended.After(from) && ended.Before(end) {
					*latencies = append(*latencies, ended.Sub(began))
				}
			}
		})
	}
	l.slots.Store(0)
	upserts, searches := make([][]time.Duration, upserters), make([][]time.Duration, searchers)
	for i := range upserts {
		rng := rand.New(rand.NewPCG(uint64(i), l.next.Load()))
		repeat(&upserts[i], func() error { return l.waitForSlot(ctx, start, end) }, func() error { return l.upsert(ctx, rng) })
	}
	for i := range searches {
		rng := rand.New(rand.NewPCG(uint64(i), 0))
		repeat(&searches[i], func() error { return nil }, func() error {
			_, err := l.store.Search(ctx, index.Query{Vector: l.queries[rng.IntN(len(l.queries))], K: hitsFirst})
			return err
		})
	}
	var r Load
	if searchers > 0 {
		group.Go(func() error { return l.compare(ctx, &r, end) })
	}
	group.Go(func() error { return l.setCores(ctx, &r, from, end) })
	if err := group.Wait(); err != nil {
		return Load{}, err
	}
	r.Upserts, r.UpsertP50, r.UpsertP99 = summary(upserts, l.took)
	r.Searches, r.SearchP50, r.SearchP99 = summary(searches, l.took)
	return r, nil
}

// setCores sets how much processor time the process gets from one moment to another.
func (l *load) setCores(ctx context.Context, r *Load, from, end time.Time) error {
	if err := sleepUntil(ctx, from); err != nil {
		return err
	}
	began, used := time.Now(), processorTime()
	if err := sleepUntil(ctx, end); err != nil {
		return err
	}
	r.Cores = (processorTime() - used).Seconds() / time.Since(began).Seconds()
	return nil
}

// waitForSlot waits until the next upsert of a step with a rate is due, or until the end of
// the step where that is earlier. Where upserts are late, the next ones do not wait.
func (l *load) waitForSlot(ctx context.Context, start, end time.Time) error {
	if l.rate == 0 {
		return nil
	}
	due := min(end.Sub(start).Seconds(), float64(l.slots.Add(1))/l.rate)
	return sleepUntil(ctx, start.Add(time.Duration(due*float64(time.Second))))
}

// sleepUntil waits for a moment, or for the end of ctx, whose error it returns.
func sleepUntil(ctx context.Context, moment time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(moment)):
		return nil
	}
}

// compare compares searches with exact ones, now and then until the end, and sets the
// recall.
func (l *load) compare(ctx context.Context, r *Load, end time.Time) error {
	rng := rand.New(rand.NewPCG(7, 7))
	found := 0
	for until := time.Now().Add(compareEvery); until.Before(end); until = time.Now().Add(compareEvery) {
		time.Sleep(time.Until(until))
		q := index.Query{Vector: l.queries[rng.IntN(len(l.queries))], K: hitsFirst}
		var hits [3][]index.Hit
		for i := range hits {
			var err error
			q.Exact = i != 1
			if hits[i], err = l.store.Search(ctx, q); err != nil {
				return err
			}
		}
		if !slices.EqualFunc(hits[0], hits[2], func(a, b index.Hit) bool { return a.ID == b.ID && a.Score == b.Score }) {
			continue // what is nearest has changed meanwhile
		}
		r.Compared++
		for _, h := range hits[1] {
			if h.Score >= hits[0][len(hits[0])-1].Score {
				found++
			}
		}
	}
	if r.Compared > 0 {
		r.Recall = float64(found) / float64(r.Compared*min(hitsFirst, l.items))
	}
	return nil
}

// processorTime is what the process has had of the processors.
func processorTime() time.Duration {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// summary is the rate and the quantiles of calls that ended in a time, with their latencies.
func summary(latencies [][]time.Duration, of time.Duration) (rate, p50, p99 float64) {
	var all []time.Duration
	for _, l := range latencies {
		all = append(all, l...)
	}
	if len(all) == 0 {
		return 0, 0, 0
	}
	p50, p99 = quantiles(all)
	return float64(len(all)) / of.Seconds(), p50, p99
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
	rate := "as fast as they go"
	if r.Rate > 0 {
		rate = fmt.Sprintf("%.0f a second", r.Rate)
	}
	fmt.Fprintf(w, "writes   durability %s, %d clients, one item a call, %s; %d searching without a pause\n\n", r.Durability, r.Writers, rate, r.Searchers)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "load\tupserts/s\tp50 ms\tp99 ms\tsearches/s\tp50 ms\tp99 ms\trecall@10\tcores used")
	for _, s := range r.Steps {
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.2f\t%.0f\t%.3f\t%.3f\t%.3f\t%.2f\n", s.Name, s.Upserts, s.UpsertP50, s.UpsertP99, s.Searches, s.SearchP50, s.SearchP99, s.Recall, s.Cores)
	}
	return table.Flush()
}

// WriteFile writes the report as JSON.
func (r *WritesReport) WriteFile(path string) error { return writeJSON(path, r) }
