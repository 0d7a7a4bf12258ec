package local

import (
	"math/rand/v2"
	"testing"

	"engram/index"
)

// Whatever share of the items a filter chooses, a search with a graph and an index of the
// filter's key finds min(K, matches) of them, and nearly all of the nearest.
func TestFiltersOfEveryShareWithAGraph(t *testing.T) {
	const n, dim, k, searches = 6000, 6, 10, 40
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
	items := make([]index.Item, n)
	for i, rank := range rng.Perm(n) {
		items[i] = index.Item{ID: index.ID(i), Vector: direction(), Payload: index.Payload{"rank": int64(rank), "open": int64(rank)}}
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"rank": index.Number}); err != nil {
		t.Fatal(err)
	}
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, matches := range []int{n, n / 2, n / 10, n / 100, 6, 1, 0} {
		below := index.Range{Key: "rank", Below: new(float64(matches))}
		for name, filter := range map[string]index.Filter{
			"index": below, "index and payloads": index.And{below, index.Range{Key: "open", Below: new(float64(matches))}},
		} {
			found, all := 0, 0
			for range searches {
				q := index.Query{Vector: direction(), K: k, Filter: filter}
				got := mustSearch(t, s, q)
				q.Exact = true
				want := map[index.ID]bool{}
				for _, h := range mustSearch(t, s, q) {
					want[h.ID] = true
				}
				if len(got) != min(k, matches) || len(want) != len(got) {
					t.Fatalf("%s, %d matches: %d hits and %d exact ones, wanted %d", name, matches, len(got), len(want), min(k, matches))
				}
				for _, h := range got {
					if rank := items[h.ID].Payload["rank"].(int64); rank >= int64(matches) {
						t.Fatalf("%s, %d matches: item %d of rank %d is no match", name, matches, h.ID, rank)
					}
					if want[h.ID] {
						found++
					}
				}
				all += len(want)
			}
			if 100*found < 95*all {
				t.Errorf("%s, %d matches: %d of %d hits are among the nearest, wanted 95 %%", name, matches, found, all)
			}
		}
	}
}
