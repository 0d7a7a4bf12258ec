package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/local"
)

// FiltersSpec says what is searched with filters. One of Vectors and Hard says of what.
type FiltersSpec struct {
	Dir     string // folder on the disk where the index is built, and removed
	Vectors string // .npy file of the items, [N, D]
	Hard    int    // items to generate
	Dim     int    // their elements
	Rounds  int    // of the queries, after one that warms up
	Seed    uint64 // of what is generated
}

// FiltersReport says how searches with filters did.
type FiltersReport struct {
	System  string        `json:"system"` // GOOS/GOARCH
	Cores   int           `json:"cores"`
	Kernels string        `json:"kernels"`
	Source  string        `json:"source"` // of the items
	Items   int           `json:"items"`
	Dim     int           `json:"dim"`
	Queries int           `json:"queries"`
	Points  []FilterPoint `json:"points"`
}

// FilterPoint is the searches with filters of one kind, on one thread.
type FilterPoint struct {
	// Filter says which items are chosen: "random" ones, the ones nearest "around" the
	// item that a query was made of, around "another" item, or the ones furthest "away".
	Filter   string  `json:"filter"`
	Matches  int     `json:"matches"`
	Recall10 float64 `json:"recall_10"`
	// Queries a second, the median of the rounds: as the engine answers them, and by a
	// scan of the matches.
	Rate float64 `json:"queries_per_second"`
	Scan float64 `json:"scan_queries_per_second"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
}

// filterHits is the k of the searches.
const filterHits = 10

// RunFilters builds an index whose items have payload keys that filters choose by, and
// searches it with filters that go with the query, against it, or neither. Stages:
// "reading" and "building" in items, "searching" in points.
func RunFilters(ctx context.Context, spec FiltersSpec, watch progress.Func) (_ *FiltersReport, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("bench: %w", err)
		}
	}()
	rows, err := spec.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	r := &FiltersReport{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Kernels: local.Kernels(),
		Source: spec.Vectors, Items: rows.count(), Dim: rows.dim(), Queries: pivots * turnedEach,
	}
	if spec.Vectors == "" {
		r.Source = fmt.Sprintf("generated, seed %d", spec.Seed)
	}
	if r.Items < pivots {
		return nil, fmt.Errorf("%d items, wanted %d or more", r.Items, pivots)
	}
	c, err := newClasses(ctx, rows, spec.Seed, watch.Stage("reading", "items", int64(r.Items)))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(spec.Dir, "engram-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := local.Create(filepath.Join(dir, "index"), local.Options{Dim: r.Dim, Indexes: c.indexes()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if _, err := fill(ctx, store, labelled{rows, c}, watch.Stage("building", "items", int64(r.Items))); err != nil {
		return nil, err
	}
	return r, r.search(ctx, store, c, spec.Rounds, watch)
}

// closing is a source that is closed.
type closing interface {
	source
	Close() error
}

func (h *hard) Close() error { return nil }

func (s FiltersSpec) open() (closing, error) {
	switch {
	case s.Rounds < 1 || (s.Vectors != "") == (s.Hard != 0) || s.Hard != 0 && (s.Hard < 1 || s.Dim < 1):
		return nil, fmt.Errorf("%d rounds of %q or %d generated items of %d elements, wanted 1 or more rounds of one of the two", s.Rounds, s.Vectors, s.Hard, s.Dim)
	case s.Vectors != "":
		return openFile(s.Vectors)
	}
	return newHard(s.Hard, s.Dim, s.Seed), nil
}

// filterKind says which items filters choose for the queries of a pivot.
type filterKind struct {
	name string
	key  func(pivot int) string
}

func filterKinds() []filterKind {
	return []filterKind{
		{"random", func(int) string { return "random" }},
		{"around", nearKey},
		{"another", func(pivot int) string { return nearKey((pivot + 1) % pivots) }},
		{"away", farKey},
	}
}

func nearKey(pivot int) string { return fmt.Sprintf("near%d", pivot) }
func farKey(pivot int) string  { return fmt.Sprintf("far%d", pivot) }

// search measures every point.
func (r *FiltersReport) search(ctx context.Context, store index.Store, c *classes, rounds int, watch progress.Func) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	kinds := filterKinds()
	total := int64(len(kinds) * len(shares))
	done := watch.Stage("searching", "points", total)
	for _, kind := range kinds {
		for i, share := range shares {
			if i > 0 && matches(share, r.Items) == matches(shares[i-1], r.Items) {
				continue
			}
			p := FilterPoint{Filter: kind.name, Matches: matches(share, r.Items)}
			queries := make([]index.Query, len(c.queries))
			for q, vector := range c.queries {
				class := float64(len(shares) - 1 - i)
				queries[q] = index.Query{Vector: vector, K: filterHits, Filter: index.Range{Key: kind.key(q / turnedEach), To: &class}}
			}
			if err := p.measure(ctx, store, queries, rounds); err != nil {
				return err
			}
			r.Points = append(r.Points, p)
			done(int64(len(r.Points)), total)
		}
	}
	return nil
}

// measure answers the queries in rounds, as the engine does and by a scan in turn.
func (p *FilterPoint) measure(ctx context.Context, store index.Store, queries []index.Query, rounds int) error {
	found, nearest := make([][]index.Hit, len(queries)), make([][]index.Hit, len(queries))
	var latencies []time.Duration
	var rates, scans []float64
	round := func(exact bool, into [][]index.Hit) (float64, error) {
		start := time.Now()
		for i, q := range queries {
			q.Exact = exact
			began := time.Now()
			var err error
			if into[i], err = store.Search(ctx, q); err != nil {
				return 0, err
			}
			if took := time.Since(began); !exact {
				latencies = append(latencies, took)
			}
		}
		return float64(len(queries)) / time.Since(start).Seconds(), nil
	}
	for n := range rounds + 1 {
		rate, err := round(false, found)
		scan, scanErr := round(true, nearest)
		if err = cmp.Or(err, scanErr); err != nil {
			return err
		}
		if n == 0 { // it warmed up
			latencies = latencies[:0]
			continue
		}
		rates, scans = append(rates, rate), append(scans, scan)
	}
	for i, hits := range found {
		ids := make([]index.ID, len(nearest[i]))
		for j, h := range nearest[i] {
			ids[j] = h.ID
		}
		if len(hits) != min(filterHits, p.Matches) || len(ids) != len(hits) {
			return fmt.Errorf("filter %s of %d items: %d hits and %d by a scan, wanted %d", p.Filter, p.Matches, len(hits), len(ids), min(filterHits, p.Matches))
		}
		p.Recall10 += share(hits, ids, filterHits) / float64(len(found))
	}
	slices.Sort(rates)
	slices.Sort(scans)
	p.Rate, p.Scan = rates[rounds/2], scans[rounds/2]
	p.P50, p.P99 = quantiles(latencies)
	return nil
}

// Print writes the report as a table for people.
func (r *FiltersReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "machine  %s, %d cores, %s kernels\n", r.System, r.Cores, r.Kernels)
	fmt.Fprintf(w, "items    %d × %d, %s, with an index of each key\n", r.Items, r.Dim, r.Source)
	fmt.Fprintf(w, "queries  %d, each an item turned by 27°; one thread\n\n", r.Queries)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "filter\tmatches\trecall@10\tqueries/s\tby a scan\tp50 ms\tp99 ms")
	for _, p := range r.Points {
		fmt.Fprintf(table, "%s\t%d\t%.4f\t%.0f\t%.0f\t%.3f\t%.3f\n", p.Filter, p.Matches, p.Recall10, p.Rate, p.Scan, p.P50, p.P99)
	}
	return table.Flush()
}

// WriteFile writes the report as JSON.
func (r *FiltersReport) WriteFile(path string) error { return writeJSON(path, r) }
