package indextest

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/index"
)

// model is the simplest store: a map, searched by sorting.
type model map[index.ID]index.Item

func (m model) upsert(items []index.Item) {
	for _, item := range items {
		var sum float64
		for _, x := range item.Vector {
			sum += float64(x) * float64(x)
		}
		unit := make([]float32, len(item.Vector))
		for i, x := range item.Vector {
			unit[i] = float32(float64(x) / math.Sqrt(sum))
		}
		item.Vector = unit
		m[item.ID] = item
	}
}

// scores returns the cosine of the query with every item that it chooses.
func (m model) scores(q index.Query) map[index.ID]float64 {
	scores := make(map[index.ID]float64, len(m))
	for id, item := range m {
		if q.Filter != nil && !q.Filter.Match(item.Payload) {
			continue
		}
		var dot, sum float64
		for i, x := range q.Vector {
			dot += float64(x) * float64(item.Vector[i])
			sum += float64(x) * float64(x)
		}
		scores[id] = dot / math.Sqrt(sum)
	}
	return scores
}

// checkHits compares hits with the model. Items whose scores differ by less
// than float32 rounding may come in either order; equal items may not.
func (m model) checkHits(t rapid.TB, q index.Query, hits []index.Hit) {
	t.Helper()
	scores := m.scores(q)
	ids := slices.SortedFunc(maps.Keys(scores), func(a, b index.ID) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
	})
	if want := min(q.K, len(ids)); len(hits) != want {
		t.Fatalf("%d hits, want %d; filter %+v", len(hits), want, q.Filter)
	}
	seen := map[index.ID]bool{}
	for i, h := range hits {
		score, live := scores[h.ID]
		switch {
		case !live || seen[h.ID]:
			t.Fatalf("hit %d is item %d: live and chosen %v, returned before %v; filter %+v", i, h.ID, live, seen[h.ID], q.Filter)
		case math.Abs(float64(h.Score)-score) > tolerance:
			t.Fatalf("hit %d: score %v of item %d, want %v", i, h.Score, h.ID, score)
		case math.Abs(scores[ids[i]]-score) > tolerance:
			t.Fatalf("hit %d: item %d scores %v, item %d scores %v", i, h.ID, score, ids[i], scores[ids[i]])
		}
		if i > 0 && (h.Score > hits[i-1].Score || h.Score == hits[i-1].Score && h.ID < hits[i-1].ID) {
			t.Fatalf("hits %d and %d are out of order: %v, %v", i-1, i, hits[i-1], h)
		}
		if q.WithPayload {
			if diff := gocmp.Diff(m[h.ID].Payload, h.Payload, sameFloat); diff != "" {
				t.Fatalf("payload of item %d (-want +got):\n%s", h.ID, diff)
			}
		}
		seen[h.ID] = true
	}
}

// exactHits counts the hits that score like an exact one.
func (m model) exactHits(q index.Query, hits []index.Hit) int {
	scores := m.scores(q)
	best := slices.SortedFunc(maps.Values(scores), func(a, b float64) int { return cmp.Compare(b, a) })
	least := best[min(q.K, len(best))-1] - tolerance
	found := 0
	for _, h := range hits {
		if score, live := scores[h.ID]; live && score >= least {
			found++
		}
	}
	return found
}

// checkAll compares every item with the model.
func (m model) checkAll(t *rapid.T, store index.Store) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(m))
	n := 0
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatalf("all: %v", err)
		}
		if n == len(ids) {
			t.Fatalf("all yields item %d after the last of %d", item.ID, n)
		}
		if diff := gocmp.Diff(m[ids[n]], item, approx); diff != "" {
			t.Fatalf("item %d of all (-want +got):\n%s", n, diff)
		}
		n++
	}
	if n != len(ids) {
		t.Fatalf("all yields %d items, want %d", n, len(ids))
	}
}

// testModel runs random sequences of calls on a store and on the model.
func testModel(t *testing.T, f fixture) {
	const dim, ids = 5, 40
	store := f.open(dim)
	defer func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		m := model{}
		if _, err := store.Delete(rt.Context(), allIDs(ids)); err != nil {
			rt.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		id := rapid.Map(rapid.IntRange(0, ids-1), func(i int) index.ID { return index.ID(i) })
		rt.Repeat(map[string]func(*rapid.T){
			"upsert": func(rt *rapid.T) {
				items := make([]index.Item, rapid.IntRange(0, 12).Draw(rt, "items"))
				for i := range items {
					items[i] = index.Item{ID: id.Draw(rt, "id"), Vector: randomVector(rng, dim)}
					if rng.IntN(2) == 0 {
						items[i].Vector = axis(dim, rng.IntN(dim)) // makes ties
					}
					if rng.IntN(2) == 0 {
						items[i].Payload = index.Payload{"n": rng.Int64(), "s": []string{"x"}}
					}
				}
				if err := store.Upsert(rt.Context(), items); err != nil {
					rt.Fatalf("upsert: %v", err)
				}
				m.upsert(items)
			},
			"delete": func(rt *rapid.T) {
				gone := rapid.SliceOfN(id, 0, 20).Draw(rt, "ids")
				before := len(m)
				for _, id := range gone {
					delete(m, id)
				}
				if n, err := store.Delete(rt.Context(), gone); err != nil || n != before-len(m) {
					rt.Fatalf("delete: %d, %v; want %d", n, err, before-len(m))
				}
			},
			"payloads": func(rt *rapid.T) {
				setter, ok := store.(index.PayloadSetter)
				if !ok {
					rt.Skip("the engine replaces no payloads alone")
				}
				payloads, there := map[index.ID]index.Payload{}, 0
				for _, id := range rapid.SliceOfN(id, 0, 12).Draw(rt, "ids") {
					payloads[id] = index.Payload{"n": rng.Int64(), "new": true}
				}
				for id, payload := range payloads {
					if item, live := m[id]; live {
						item.Payload = payload
						m[id] = item
						there++
					}
				}
				if n, err := setter.SetPayloads(rt.Context(), payloads); err != nil || n != there {
					rt.Fatalf("set payloads: %d, %v; want %d", n, err, there)
				}
			},
			"search": func(rt *rapid.T) {
				q := index.Query{Vector: randomVector(rng, dim), K: rapid.IntRange(1, ids+2).Draw(rt, "k"), WithPayload: rng.IntN(2) == 0}
				hits, err := store.Search(rt.Context(), q)
				if err != nil {
					rt.Fatalf("search: %v", err)
				}
				m.checkHits(rt, q, hits)
			},
			"flush": func(rt *rapid.T) {
				if rng.IntN(3) > 0 {
					if err := store.Flush(rt.Context()); err != nil {
						rt.Fatalf("flush: %v", err)
					}
					return
				}
				if err := store.Close(); err != nil {
					rt.Fatalf("close: %v", err)
				}
				store = f.open(dim)
			},
			"": func(rt *rapid.T) {
				info, err := store.Info(rt.Context())
				if err != nil || info.Count != len(m) || info.Dim != dim {
					rt.Fatalf("info %+v, error %v; want %d items", info, err, len(m))
				}
				m.checkAll(rt, store)
			},
		})
	})
}

func allIDs(n int) []index.ID {
	ids := make([]index.ID, n)
	for i := range ids {
		ids[i] = index.ID(i)
	}
	return ids
}
