package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

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
	Outside string // .npy file of queries of another distribution; "": such are generated for Hard
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

// FilterPoint is the searches with filters of one kind, on one thread. Times are of the
// processor, in microseconds: the mean over the queries of each one's median of the rounds.
type FilterPoint struct {
	Queries string `json:"queries"` // see Point.Queries
	// Filter says which items are chosen: "random" ones, the ones nearest "around" the
	// item that a query was made of, around "another" item, or the ones furthest "away".
	Filter   string  `json:"filter"`
	Matches  int     `json:"matches"`
	Recall10 float64 `json:"recall_10"`
	Time     float64 `json:"microseconds"`
	P99      float64 `json:"p99_microseconds"`
	Scan     float64 `json:"scan_microseconds"` // by a scan of the matches
	// Walk is by a walk of all items that keeps the matches, and WalkRecall10 what it finds,
	// nothing where it was given up. The walk is not timed where it finds less than
	// pureRecall.
	Walk         float64 `json:"walk_microseconds,omitempty"`
	WalkRecall10 float64 `json:"walk_recall_10"`
	Ratio        float64 `json:"ratio"` // of Time to the less one of Scan and Walk
	// Paths counts how the queries were answered.
	Paths map[index.SearchPath]int `json:"paths"`
}

const (
	// filterHits is the k of the searches.
	filterHits = 10
	// pureRecall is the recall that a walk must have to be compared with.
	pureRecall = .95
)

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
	outside, err := spec.outside(ctx, rows)
	if err != nil {
		return nil, err
	}
	c, err := newClasses(ctx, rows, spec.Seed, watch.Stage("reading", "items", int64(r.Items)))
	if err != nil {
		return nil, err
	}
	c.outside = outside
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

// outside returns queries of another distribution than the items, as many as others, or
// none where there are none.
func (s FiltersSpec) outside(ctx context.Context, rows source) ([][]float32, error) {
	const wanted = pivots * turnedEach
	if generated, ok := rows.(*hard); ok && s.Outside == "" {
		return generated.queries(true)[:wanted], nil
	}
	if s.Outside == "" {
		return nil, nil
	}
	f, err := openFile(s.Outside)
	if err != nil {
		return nil, err
	}
	if f.count() < wanted || f.dim() != rows.dim() {
		return nil, errors.Join(fmt.Errorf("%s has the shape %v, wanted %d or more queries of %d elements", s.Outside, f.shape, wanted, rows.dim()), f.Close())
	}
	vectors, err := f.read(ctx, 0, wanted)
	return vectors, errors.Join(err, f.Close())
}

// filterKind says which items filters choose for the queries of a pivot.
type filterKind struct {
	queries string // see Point.Queries
	name    string
	key     func(pivot int) string
}

// filterKinds are the kinds for queries like the items and, where there are such, for
// queries from outside.
func filterKinds(outside bool) []filterKind {
	random := func(int) string { return "random" }
	another := func(pivot int) string { return nearKey((pivot + 1) % pivots) }
	kinds := []filterKind{{"in", "random", random}, {"in", "around", nearKey}, {"in", "another", another}, {"in", "away", farKey}}
	if outside {
		kinds = append(kinds, filterKind{"out", "random", random}, filterKind{"out", "another", another})
	}
	return kinds
}

func nearKey(pivot int) string { return fmt.Sprintf("near%d", pivot) }
func farKey(pivot int) string  { return fmt.Sprintf("far%d", pivot) }

// search measures every point.
func (r *FiltersReport) search(ctx context.Context, store *local.Store, c *classes, rounds int, watch progress.Func) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	kinds := filterKinds(len(c.outside) > 0)
	total := int64(len(kinds) * len(shares))
	done := watch.Stage("searching", "points", total)
	for _, kind := range kinds {
		vectors := c.queries
		if kind.queries == "out" {
			vectors = c.outside
		}
		for i, share := range shares {
			if i > 0 && matches(share, r.Items) == matches(shares[i-1], r.Items) {
				continue
			}
			class := float64(len(shares) - 1 - i)
			queries := make([]index.Query, len(vectors))
			for q, vector := range vectors {
				queries[q] = index.Query{Vector: vector, K: filterHits, Filter: index.Range{Key: kind.key(q / turnedEach), To: &class}}
			}
			p := FilterPoint{Queries: kind.queries, Filter: kind.name, Matches: matches(share, r.Items)}
			if err := p.measure(ctx, store, queries, rounds); err != nil {
				return fmt.Errorf("filter %s of %d items: %w", p.Filter, p.Matches, err)
			}
			r.Points = append(r.Points, p)
			done(int64(len(r.Points)), total)
		}
	}
	return nil
}

// Print writes the report as a table for people.
func (r *FiltersReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "machine  %s, %d cores, %s kernels\n", r.System, r.Cores, r.Kernels)
	fmt.Fprintf(w, "items    %d × %d, %s, with an index of each key\n", r.Items, r.Dim, r.Source)
	fmt.Fprintf(w, "queries  %d, each an item turned by 27° (in), or of another distribution (out); one thread\n", r.Queries)
	fmt.Fprintf(w, "times    of the processor; the ratio is to the faster one of a scan of the matches and a walk of\n")
	fmt.Fprintf(w, "         all items with a recall of %v or more\n\n", pureRecall)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "queries\tfilter\tmatches\trecall@10\tµs\tp99\tby a scan\tby a walk\tits recall@10\tratio\tanswered by")
	for _, p := range r.Points {
		walk, recall := "-", "-"
		if p.Walk > 0 {
			walk = fmt.Sprintf("%.0f", p.Walk)
		}
		if p.WalkRecall10 > 0 {
			recall = fmt.Sprintf("%.4f", p.WalkRecall10)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%.4f\t%.0f\t%.0f\t%.0f\t%s\t%s\t%.2f\t%s\n",
			p.Queries, p.Filter, p.Matches, p.Recall10, p.Time, p.P99, p.Scan, walk, recall, p.Ratio, p.paths())
	}
	return table.Flush()
}

// paths lists how the queries were answered, the most frequent way first.
func (p *FilterPoint) paths() string {
	names := slices.SortedFunc(maps.Keys(p.Paths), func(a, b index.SearchPath) int {
		return cmp.Or(cmp.Compare(p.Paths[b], p.Paths[a]), cmp.Compare(a, b))
	})
	var text []string
	for _, name := range names {
		text = append(text, fmt.Sprintf("%s %d", name, p.Paths[name]))
	}
	return strings.Join(text, ", ")
}

// WriteFile writes the report as JSON.
func (r *FiltersReport) WriteFile(path string) error { return writeJSON(path, r) }
