package indextest

import (
	"cmp"
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"engram/index"
	"engram/index/results"
)

// resultItems fills a store with items in clusters, under payloads that make groups. Some
// items are near-duplicates of others, and some are equal to others.
func (f fixture) resultItems(store index.Store, n int) map[index.ID]index.Item {
	const dim = 6
	rng := rand.New(rand.NewPCG(uint64(n), 6))
	items := make([]index.Item, 0, n)
	for i := range n {
		item := index.Item{ID: index.ID(7*i + 3), Vector: randomVector(rng, dim), Payload: index.Payload{}}
		if i > 4 && i%3 > 0 { // near or equal to an earlier one
			copy(item.Vector, items[rng.IntN(i)].Vector)
			item.Vector[rng.IntN(dim)] += float32(rng.IntN(4)) / 8
		}
		switch i % 7 {
		case 0:
		case 1:
			item.Payload["group"] = []string{"a", "b", "b"}
		case 2:
			item.Payload["group"] = []string{}
		default:
			item.Payload["group"] = []any{int64(2), 2., "a", true, "", 1.5, int64(3), "c"}[rng.IntN(8)]
		}
		items = append(items, item)
	}
	f.upsert(store, items...)
	all := map[index.ID]index.Item{}
	for item, err := range store.All(f.t.Context()) {
		if err != nil {
			f.t.Fatal(err)
		}
		all[item.ID] = item
	}
	return all
}

// page searches for a page of results.
func page(ctx context.Context, t rapid.TB, r results.Ranking, o results.Options) *results.Answer {
	t.Helper()
	found, err := results.Search(ctx, r, o)
	if err != nil {
		t.Fatalf("results of %+v: %v", o, err)
	}
	return found
}

// pages searches for all pages, and returns their hits.
func pages(ctx context.Context, t rapid.TB, r results.Ranking, o results.Options) (all []results.Hit) {
	t.Helper()
	for {
		found := page(ctx, t, r, o)
		if len(found.Hits) > o.K || found.Next != "" && len(found.Hits) < o.K {
			t.Fatalf("a page of %d has %d hits, more to come: %v", o.K, len(found.Hits), found.Next != "")
		}
		all = append(all, found.Hits...)
		if o.After = found.Next; o.After == "" {
			return all
		}
	}
}

// shape is what is compared of hits.
type shape struct {
	ID     index.ID
	Folded []index.ID
	Value  any
	Others []index.ID
}

func shapes(hits []results.Hit) []shape {
	list := make([]shape, len(hits))
	for i, h := range hits {
		list[i] = shape{ID: h.ID, Folded: h.Folded}
		if h.Group != nil {
			list[i].Value = h.Group.Value
			for _, other := range h.Group.Others {
				list[i].Others = append(list[i].Others, other.ID)
			}
		}
	}
	return list
}

// byDefinition computes results from the whole ranking, one step after the other.
func byDefinition(ranking []index.Hit, items map[index.ID]index.Item, o results.Options) []shape {
	var kept []*shape
	of := map[index.ID]*shape{}
	for _, h := range ranking {
		if slices.Contains(o.Without, h.ID) || o.MinScore != nil && float64(h.Score) < *o.MinScore {
			continue
		}
		at := slices.IndexFunc(kept, func(k *shape) bool {
			return o.Fold > 0 && cosine(items[k.ID].Vector, items[h.ID].Vector) >= o.Fold-1e-6
		})
		if at < 0 {
			of[h.ID] = &shape{ID: h.ID}
			kept = append(kept, of[h.ID])
			continue
		}
		kept[at].Folded = append(kept[at].Folded, h.ID)
	}
	var list []shape
	if o.GroupBy == "" {
		for _, k := range kept {
			list = append(list, *k)
		}
		return list
	}
	where := map[any]int{}
	for _, k := range kept {
		for _, value := range valuesOf(items[k.ID].Payload[o.GroupBy]) {
			at, known := where[value]
			if !known {
				where[value] = len(list)
				list = append(list, shape{ID: k.ID, Folded: k.Folded, Value: value})
			} else if len(list[at].Others) < max(1, o.GroupSize)-1 {
				list[at].Others = append(list[at].Others, k.ID)
			}
		}
	}
	return list
}

// valuesOf returns the groups of a value that resultItems makes.
func valuesOf(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []string:
		unique := map[string]bool{}
		for _, text := range value {
			unique[text] = true
		}
		var list []any
		for _, text := range slices.Sorted(maps.Keys(unique)) {
			list = append(list, text)
		}
		return list
	case float64:
		if value == 2 {
			return []any{int64(2)}
		}
	}
	return []any{value}
}

func rankOf(ranking []index.Hit, id index.ID) int {
	return slices.IndexFunc(ranking, func(h index.Hit) bool { return h.ID == id })
}

func cosine(a, b []float32) float64 {
	var dot float64
	for i, x := range a {
		dot += float64(x) * float64(b[i])
	}
	return dot
}

// clearOf moves a cosine to one that no two items have, so that rounding decides nothing.
func clearOf(items map[index.ID]index.Item, least float64) float64 {
	for {
		free := true
		for _, a := range items {
			for _, b := range items {
				free = free && math.Abs(cosine(a.Vector, b.Vector)-least) > 1e-5
			}
		}
		if free {
			return least
		}
		least += 3e-5
	}
}

// Pages of any size make up what the definition says, whatever the options.
func testResults(t *testing.T, f fixture) {
	store := f.fresh(6)
	items := f.resultItems(store, 90)
	folds := []float64{0, clearOf(items, .8), clearOf(items, .95), clearOf(items, .999)}
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		r := results.Ranking{Store: store, Index: "test", Query: index.Query{Vector: randomVector(rng, 6), Exact: true}}
		if rapid.Bool().Draw(rt, "filter") {
			r.Query.Filter = index.Exists{Key: "group"}
		}
		o := results.Options{K: rapid.IntRange(1, 30).Draw(rt, "k"), Fold: rapid.SampledFrom(folds).Draw(rt, "fold")}
		whole := r.Query
		r.Query.Explain = new(index.Explanation) // which searches that run at once must not share
		whole.K = len(items)
		ranking := f.search(store, whole)
		if rapid.Bool().Draw(rt, "least score") {
			score := float64(ranking[rapid.IntRange(0, len(ranking)-1).Draw(rt, "rank")].Score)
			o.MinScore = &score
		}
		if rapid.Bool().Draw(rt, "without") {
			o.Without = []index.ID{ranking[0].ID, ranking[3].ID, 1 << 40}
		}
		if rapid.Bool().Draw(rt, "groups") {
			o.GroupBy, o.GroupSize = "group", rapid.IntRange(1, 4).Draw(rt, "size")
		}
		if rapid.Bool().Draw(rt, "ranked otherwise") {
			r.Ranked, r.Metric, r.Query.Vector = ranking, "test", nil
		}
		want := byDefinition(ranking, items, o)
		got := shapes(pages(rt.Context(), rt, r, o))
		for i := range min(len(want), len(got)) { // near-duplicates beyond the page are not looked for
			n := len(want[i].Folded)
			if next := (i/o.K + 1) * o.K; o.GroupBy != "" {
				n = min(n, len(got[i].Folded))
			} else if next < len(want) {
				n = slices.IndexFunc(append(slices.Clone(want[i].Folded), want[next].ID), func(id index.ID) bool {
					return rankOf(ranking, id) >= rankOf(ranking, want[next].ID)
				})
			}
			want[i].Folded = want[i].Folded[:n]
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("pages of %+v (-want +got):\n%s", o, diff)
		}
		// One page of everything looks at all near-duplicates.
		o.K = len(items) + 1
		if diff := gocmp.Diff(byDefinition(ranking, items, o), shapes(page(rt.Context(), rt, r, o).Hits), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("one page of %+v (-want +got):\n%s", o, diff)
		}
	})
}

// Pages stay what they are while others write: no hit comes twice, and what nobody
// has written comes once.
func testPagesWhileOthersWrite(t *testing.T, f fixture) {
	store := f.fresh(6)
	items := f.resultItems(store, 60)
	q := index.Query{Vector: axis(6, 0), Exact: true, WithPayload: true}
	q.K = len(items)
	before := f.search(store, q)
	written := map[index.ID]bool{}
	rng := rand.New(rand.NewPCG(8, 9))
	r := results.Ranking{Store: store, Index: "test", Query: q}
	o := results.Options{K: 7}
	var got []index.ID
	for n := range 100 {
		found := page(t.Context(), t, r, o)
		for _, h := range found.Hits {
			got = append(got, h.ID)
		}
		if o.After = found.Next; o.After == "" {
			break
		}
		// The last hit of the page goes, and others come, go and move on both sides.
		gone := []index.ID{got[len(got)-1], before[rng.IntN(len(before))].ID}
		if _, err := store.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		moved := index.Item{ID: before[rng.IntN(len(before))].ID, Vector: randomVector(rng, 6)}
		f.upsert(store, index.Item{ID: index.ID(1000 + n), Vector: randomVector(rng, 6)}, moved)
		written[gone[0]], written[gone[1]], written[moved.ID] = true, true, true
	}
	want, seen := []index.ID{}, map[index.ID]bool{}
	for _, h := range before {
		if !written[h.ID] {
			want = append(want, h.ID)
		}
	}
	var untouched []index.ID
	for _, id := range got {
		if seen[id] && !written[id] {
			t.Errorf("item %d comes twice", id)
		}
		seen[id] = true
		if id < 1000 && !written[id] {
			untouched = append(untouched, id)
		}
	}
	if diff := gocmp.Diff(want, untouched); diff != "" {
		t.Errorf("what nobody has written (-want +got):\n%s", diff)
	}
}

// A diverse search makes the choice that the formula makes.
func testDiverse(t *testing.T, f fixture) {
	store := f.fresh(6)
	items := f.resultItems(store, 80)
	for _, lambda := range []float64{0, .3, .7, 1} {
		for _, candidates := range []int{12, 40, 0} {
			q := index.Query{Vector: axis(6, 2), K: cmp.Or(candidates, 100), Exact: true}
			ranking := f.search(store, q)
			found := page(t.Context(), t, results.Ranking{Store: store, Query: q}, results.Options{
				K: 12, Diverse: &results.Diverse{Lambda: lambda, Candidates: candidates},
			})
			if len(found.Hits) != 12 || found.Next != "" {
				t.Fatalf("lambda %v among %d: %d hits, next %q", lambda, candidates, len(found.Hits), found.Next)
			}
			gain := func(h index.Hit, chosen []results.Hit) float64 {
				nearest := math.Inf(-1)
				for _, c := range chosen {
					nearest = max(nearest, cosine(items[c.ID].Vector, items[h.ID].Vector))
				}
				if len(chosen) == 0 {
					nearest = 0
				}
				return lambda*float64(h.Score) - (1-lambda)*nearest
			}
			for i, h := range found.Hits {
				chosen := found.Hits[:i]
				best := math.Inf(-1)
				for _, c := range ranking {
					if !slices.ContainsFunc(chosen, func(h results.Hit) bool { return h.ID == c.ID }) {
						best = max(best, gain(c, chosen))
					}
				}
				if got := gain(h.Hit, chosen); got < best-tolerance {
					t.Errorf("lambda %v among %d: choice %d gains %v, another one %v", lambda, candidates, i, got, best)
				}
			}
		}
	}
}
