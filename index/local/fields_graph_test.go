package local

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/index"
)

// Whatever share of the items a filter chooses, by chance, near the query or far from it, a
// search with a graph and an index of the filter's key finds min(K, matches) of them, and
// nearly all of the nearest.
func TestFiltersOfEveryShareWithAGraph(t *testing.T) {
	const n, dim, k, searches = 6000, 6, 10, 20
	s := mustCreate(t, t.TempDir(), dim)
	defer mustClose(t, s)
	s.graphRows = 300
	rng := rand.New(rand.NewPCG(3, 3))
	direction := func() []float32 {
		v := make([]float32, dim)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	pivot := direction()
	near := func() []float32 {
		v := direction()
		for i := range v {
			v[i] = pivot[i] + v[i]/5
		}
		return v
	}
	items := make([]index.Item, n)
	order := make([]int, n) // the nearest to the pivot first
	scores := make([]float64, n)
	for i, rank := range rng.Perm(n) {
		v := direction()
		items[i] = index.Item{ID: index.ID(i), Vector: v, Payload: index.Payload{"rank": int64(rank), "open": int64(rank)}}
		order[i] = i
		squares := 0.
		for j, x := range v {
			scores[i] += float64(x * pivot[j])
			squares += float64(x * x)
		}
		scores[i] /= math.Sqrt(squares)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	for rank, i := range order {
		items[i].Payload["near"], items[i].Payload["far"] = int64(rank), int64(n-1-rank)
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"rank": index.Number, "near": index.Number, "far": index.Number}); err != nil {
		t.Fatal(err)
	}
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, matches := range []int{n, n * 99 / 100, n * 9 / 10, n / 2, n / 10, n / 100, 6, 1, 0} {
		below := func(key string) index.Filter { return index.Range{Key: key, Below: new(float64(matches))} }
		for _, c := range []struct {
			name, key string // of the filter, and of the payload that it asks for
			filter    index.Filter
			query     func() []float32
		}{
			{"by chance", "rank", below("rank"), direction},
			{"by chance, index and payloads", "rank", index.And{below("rank"), below("open")}, direction},
			{"near something", "near", below("near"), direction},
			{"near the query", "near", below("near"), near},
			{"far from the query", "far", below("far"), near},
		} {
			found, all := 0, 0
			for range searches {
				q := index.Query{Vector: c.query(), K: k, Filter: c.filter}
				got := mustSearch(t, s, q)
				q.Exact = true
				want := map[index.ID]bool{}
				for _, h := range mustSearch(t, s, q) {
					want[h.ID] = true
				}
				if len(got) != min(k, matches) || len(want) != len(got) {
					t.Fatalf("%s, %d matches: %d hits and %d exact ones, wanted %d", c.name, matches, len(got), len(want), min(k, matches))
				}
				for _, h := range got {
					if rank := items[h.ID].Payload[c.key].(int64); rank >= int64(matches) {
						t.Fatalf("%s, %d matches: item %d of rank %d is no match", c.name, matches, h.ID, rank)
					}
					if want[h.ID] {
						found++
					}
				}
				all += len(want)
			}
			if 100*found < 95*all {
				t.Errorf("%s, %d matches: %d of %d hits are among the nearest, wanted 95 %%", c.name, matches, found, all)
			}
		}
	}
}
