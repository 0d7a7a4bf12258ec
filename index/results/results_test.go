package results_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/local"
	"engram/index/results"
)

// open makes an index of items.
func open(t testing.TB, dim int, items ...index.Item) *local.Store {
	t.Helper()
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	return store
}

// at returns a vector at an angle in degrees.
func at(degrees float64) []float32 {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return []float32{float32(cos), float32(sin)}
}

func search(t testing.TB, r results.Ranking, o results.Options) *results.Answer {
	t.Helper()
	a, err := results.Search(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func idsOf(hits []results.Hit) []index.ID {
	ids := []index.ID{}
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

// What an independent reference chooses (scripts/golden_diverse.py).
func TestDiverseEqualsTheReference(t *testing.T) {
	b, err := os.ReadFile("testdata/diverse.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Vectors [][]float32
		Query   []float32
		Cases   []struct {
			Metric     bool
			Candidates int
			Lambda     float64
			Want       []index.ID
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil || len(golden.Cases) < 20 {
		t.Fatalf("%d cases, error %v", len(golden.Cases), err)
	}
	var items []index.Item
	for i, v := range golden.Vectors {
		items = append(items, index.Item{ID: index.ID(i), Vector: v})
	}
	store := open(t, len(golden.Query), items...)
	for _, c := range golden.Cases {
		r := results.Ranking{Store: store, Query: index.Query{Vector: golden.Query}}
		if c.Metric {
			r.Query.K = len(items)
			if r.Ranked, err = store.Search(t.Context(), r.Query); err != nil {
				t.Fatal(err)
			}
			r.Metric = "test"
			for i := range r.Ranked {
				r.Ranked[i].Score = float32(math.Exp(3 * float64(r.Ranked[i].Score)))
			}
		}
		got := search(t, r, results.Options{K: len(c.Want), Diverse: &results.Diverse{Lambda: c.Lambda, Candidates: c.Candidates}})
		if diff := cmp.Diff(c.Want, idsOf(got.Hits)); diff != "" {
			t.Errorf("metric %v, lambda %v among %d (-want +got):\n%s", c.Metric, c.Lambda, c.Candidates, diff)
		}
	}
}

// Near-duplicates go to the first hit that they are near to, and not along a chain:
// items 10° apart at a fold of 15° are kept by turns.
func TestFoldingDoesNotChain(t *testing.T) {
	var items []index.Item
	for i := range 6 {
		items = append(items, index.Item{ID: index.ID(i), Vector: at(10 * float64(i))})
	}
	store := open(t, 2, items...)
	r := results.Ranking{Store: store, Query: index.Query{Vector: at(0)}}
	got := search(t, r, results.Options{K: 9, Fold: math.Cos(15 * math.Pi / 180)})
	if diff := cmp.Diff([]index.ID{0, 2, 4}, idsOf(got.Hits)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if want := []index.ID{5}; !slices.Equal(got.Hits[2].Folded, want) {
		t.Errorf("item 4 stands for %v, want %v", got.Hits[2].Folded, want)
	}
}

// Of the same image many times one is left, whatever the cosine of float32 rounding.
func TestCopiesAreFoldedAtACosineOfOne(t *testing.T) {
	var items []index.Item
	for i := range 700 {
		items = append(items, index.Item{ID: index.ID(i), Vector: []float32{.3, .5, .7, .11}})
	}
	store := open(t, 4, append(items, index.Item{ID: 999, Vector: []float32{-.3, .5, .7, .1}})...)
	r := results.Ranking{Store: store, Query: index.Query{Vector: []float32{.1, .2, .9, 0}}}
	got := search(t, r, results.Options{K: 2, Fold: 1})
	slices.SortFunc(got.Hits, func(a, b results.Hit) int { return len(b.Folded) - len(a.Folded) })
	if diff := cmp.Diff([]index.ID{0, 999}, idsOf(got.Hits)); diff != "" || len(got.Hits[0].Folded) != 699 || got.Next != "" || got.Bounded {
		t.Errorf("%d folded, next %q (-want +got):\n%s", len(got.Hits[0].Folded), got.Next, diff)
	}
}

func TestTheBoundIsTold(t *testing.T) {
	var items []index.Item
	for i := range 100 {
		items = append(items, index.Item{ID: index.ID(i), Vector: at(float64(i) / 1000), Payload: index.Payload{"kind": int64(i / 50)}})
	}
	store := open(t, 2, items...)
	r := results.Ranking{Store: store, Query: index.Query{Vector: at(0)}}
	for _, o := range []results.Options{
		{K: 2, Fold: .9, Bound: 20}, {K: 2, GroupBy: "kind", Bound: 20}, {K: 2, Fold: .9, Diverse: &results.Diverse{Candidates: 20}, Bound: 20},
	} {
		got := search(t, r, o)
		if len(got.Hits) != 1 || !got.Bounded || got.Next != "" {
			t.Errorf("%+v: %d hits, bounded %v, next %q; want one, bounded", o, len(got.Hits), got.Bounded, got.Next)
		}
		o.Bound = 0
		if got := search(t, r, o); got.Bounded {
			t.Errorf("%+v: bounded, though all items were looked at", o)
		}
	}
}

func TestAnEmptyIndexHasNoResults(t *testing.T) {
	store := open(t, 2)
	for _, o := range []results.Options{{}, {Fold: .9}, {GroupBy: "x", GroupSize: 3}, {Diverse: &results.Diverse{Lambda: .5}}} {
		o.K = 3
		got := search(t, results.Ranking{Store: store, Query: index.Query{Vector: at(0)}}, o)
		if len(got.Hits) != 0 || got.Next != "" || got.Bounded {
			t.Errorf("%+v: %+v", o, got)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	store := open(t, 2, index.Item{ID: 1, Vector: at(0)})
	nan, seven := math.NaN(), 7.
	mmr := func(lambda float64, candidates int) *results.Diverse {
		return &results.Diverse{Lambda: lambda, Candidates: candidates}
	}
	for _, o := range []results.Options{
		{K: 0}, {K: math.MaxInt}, {K: 1, GroupBy: "a", GroupSize: math.MaxInt}, {K: 1, Fold: -1}, {K: 1, Fold: 1.1}, {K: 1, Fold: nan}, {K: 1, MinScore: &nan}, {K: 1, MinScore: &seven},
		{K: 1, Diverse: mmr(-1, 0)}, {K: 1, Diverse: mmr(2, 0)}, {K: 1, Diverse: mmr(nan, 0)}, {K: 5, Diverse: mmr(.5, 4)}, {K: 5, Diverse: mmr(.5, 1e6)},
		{K: 1, Diverse: mmr(.5, 9), GroupBy: "x"}, {K: 1, Diverse: mmr(.5, 9), After: "x"}, {K: 1, GroupSize: 2}, {K: 1, GroupBy: "x", GroupSize: -2},
		{K: 1, After: "x"}, {K: 1, After: "AQ"},
	} {
		r := results.Ranking{Store: store, Query: index.Query{Vector: at(0)}}
		if _, err := results.Search(t.Context(), r, o); !errors.Is(err, index.ErrQuery) {
			t.Errorf("%+v: error %v, want ErrQuery", o, err)
		}
	}
	// Of another metric a least score has no bounds.
	r := results.Ranking{Store: store, Metric: "likelihood", Ranked: []index.Hit{{ID: 1, Score: 9}}}
	if got := search(t, r, results.Options{K: 1, MinScore: &seven}); len(got.Hits) != 1 {
		t.Errorf("found %+v", got)
	}
}

// A cursor belongs to one search; the number of hits may change from page to page.
func TestCursorsOfOtherSearchesAreRefused(t *testing.T) {
	var items []index.Item
	for i := range 9 {
		items = append(items, index.Item{ID: index.ID(i), Vector: at(float64(i)), Payload: index.Payload{"x": "y"}})
	}
	store := open(t, 2, items...)
	r := results.Ranking{Store: store, Index: "photos", Query: index.Query{Vector: at(0), Filter: index.Equal{Key: "x", Value: "y"}}}
	o := results.Options{K: 2}
	o.After = search(t, r, o).Next
	o.K = 5
	if got := search(t, r, o); !slices.Equal(idsOf(got.Hits), []index.ID{2, 3, 4, 5, 6}) {
		t.Errorf("the second page is %v", idsOf(got.Hits))
	}
	half := .5
	for name, change := range map[string]func(r *results.Ranking, o *results.Options){
		"index":       func(r *results.Ranking, _ *results.Options) { r.Index = "others" },
		"query":       func(r *results.Ranking, _ *results.Options) { r.Query.Vector = at(1) },
		"words":       func(r *results.Ranking, _ *results.Options) { r.Asked = []byte("zebra") },
		"filter":      func(r *results.Ranking, _ *results.Options) { r.Query.Filter = index.Equal{Key: "x", Value: "z"} },
		"no filter":   func(r *results.Ranking, _ *results.Options) { r.Query.Filter = nil },
		"range":       func(r *results.Ranking, _ *results.Options) { r.Query.Filter = index.Range{Key: "x", From: &half} },
		"metric":      func(r *results.Ranking, _ *results.Options) { r.Metric = "likelihood" },
		"fold":        func(_ *results.Ranking, o *results.Options) { o.Fold = .9 },
		"least score": func(_ *results.Ranking, o *results.Options) { o.MinScore = &half },
		"groups":      func(_ *results.Ranking, o *results.Options) { o.GroupBy = "x" },
		"without":     func(_ *results.Ranking, o *results.Options) { o.Without = []index.ID{1} },
		"damage":      func(_ *results.Ranking, o *results.Options) { o.After = strings.ToUpper(o.After) },
		"a cut":       func(_ *results.Ranking, o *results.Options) { o.After = o.After[:12] },
		"more":        func(_ *results.Ranking, o *results.Options) { o.After += "AAAA" },
	} {
		r, o := r, o
		change(&r, &o)
		if _, err := results.Search(t.Context(), r, o); !errors.Is(err, index.ErrQuery) || !strings.Contains(fmt.Sprint(err), "cursor") {
			t.Errorf("another %s: error %v, want one about the cursor", name, err)
		}
	}
}

// Filters that say the same are the same, wherever their bounds lie in memory.
func TestACursorKnowsAnEqualFilter(t *testing.T) {
	var items []index.Item
	for i := range 5 {
		items = append(items, index.Item{ID: index.ID(i), Vector: at(float64(i)), Payload: index.Payload{"n": int64(i)}})
	}
	store := open(t, 2, items...)
	page := func(after string) *results.Answer {
		f := index.And{index.Or{index.Range{Key: "n", From: new(1.)}, index.Text{Key: "n", Words: "x"}}, index.Not{Filter: index.In{Key: "n", Values: []any{int64(3)}}}}
		r := results.Ranking{Store: store, Query: index.Query{Vector: at(0), Filter: f}}
		return search(t, r, results.Options{K: 2, After: after})
	}
	if got := page(page("").Next); !slices.Equal(idsOf(got.Hits), []index.ID{4}) {
		t.Errorf("the second page is %v", idsOf(got.Hits))
	}
}

// A search that other scores have ranked gets payloads, and leaves out what is gone.
func TestRankedHitsGetPayloads(t *testing.T) {
	store := open(t, 2, index.Item{ID: 1, Vector: at(0), Payload: index.Payload{"name": "one"}}, index.Item{ID: 2, Vector: at(9), Payload: index.Payload{"name": "two"}})
	r := results.Ranking{Store: store, Metric: "test", Ranked: []index.Hit{{ID: 2, Score: 70}, {ID: 5, Score: 60}, {ID: 1, Score: -4}}}
	got := search(t, r, results.Options{K: 9})
	if len(got.Hits) != 2 || got.Hits[0].Payload["name"] != "two" || got.Hits[0].Score != 70 || got.Hits[1].Payload["name"] != "one" {
		t.Errorf("found %+v", got.Hits)
	}
}
