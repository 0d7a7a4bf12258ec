package qdrant_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// fan fills a store with items at growing angles to the query.
func fan(t *testing.T, store *qdrant.Store, degrees map[index.ID]float64, payload func(id index.ID) index.Payload) {
	t.Helper()
	var items []index.Item
	for id, angle := range degrees {
		sin, cos := math.Sincos(angle * math.Pi / 180)
		items = append(items, index.Item{ID: id, Vector: []float32{float32(cos), float32(sin)}, Payload: payload(id)})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func hitIDs(hits []index.Hit) []index.ID {
	var ids []index.ID
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

func TestGroups(t *testing.T) {
	checkGroups(t, create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{}))
}

func TestGroupsOfServer(t *testing.T) {
	checkGroups(t, createReal(t, qdrant.Schema{Dim: 2, Indexes: map[string]index.PayloadKind{"animals": index.Keyword}}))
}

func checkGroups(t *testing.T, store *qdrant.Store) {
	animals := map[index.ID][]string{1: {"zebra"}, 2: {"zebra", "horse"}, 3: {"zebra"}, 4: {"horse"}, 5: {"cat"}, 6: {}}
	degrees := map[index.ID]float64{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 0}
	fan(t, store, degrees, func(id index.ID) index.Payload {
		return index.Payload{"animals": animals[id], "half": int64(id) - 3}
	})
	groups, err := store.Groups(t.Context(), index.Query{Vector: []float32{1, 0}, K: 2, WithPayload: true}, "animals", 2)
	if err != nil {
		t.Fatal(err)
	}
	got := map[any][]index.ID{}
	for _, g := range groups {
		got[g.Value] = hitIDs(g.Hits)
		for _, h := range g.Hits {
			if h.Payload["half"] != int64(h.ID)-3 {
				t.Errorf("hit %v has no payload", h)
			}
		}
	}
	if diff := cmp.Diff(map[any][]index.ID{"zebra": {1, 2}, "horse": {2, 4}}, got); diff != "" || groups[0].Value != "zebra" {
		t.Errorf("groups %v (-want +got):\n%s", groups, diff)
	}
	filter := index.Not{Filter: index.Equal{Key: "animals", Value: "zebra"}}
	groups, err = store.Groups(t.Context(), index.Query{Vector: []float32{1, 0}, K: 9, Filter: filter}, "half", 1)
	if err != nil || len(groups) != 3 || groups[0].Value != int64(3) || groups[1].Value != int64(1) || groups[2].Value != int64(2) || groups[0].Hits[0].Payload != nil {
		t.Errorf("groups %v, error %v; want those of 3, 1 and 2", groups, err)
	}
	bound := 1.0
	for _, bad := range []struct {
		q    index.Query
		size int
		want error
	}{
		{index.Query{Vector: []float32{1, 0}, K: 1}, 0, index.ErrQuery},
		{index.Query{Vector: []float32{1, 0}}, 1, index.ErrQuery},
		{index.Query{Vector: []float32{1}, K: 1}, 1, index.ErrDimension},
		{index.Query{Vector: []float32{1, 0}, K: 1, Filter: index.Range{Key: "x", From: &bound}}, 1, index.ErrFilter},
	} {
		if _, err := store.Groups(t.Context(), bad.q, "animals", bad.size); !is(err, bad.want) {
			t.Errorf("%+v by %d: error %v", bad.q, bad.size, err)
		}
	}
}

func TestDiverse(t *testing.T) {
	checkDiverse(t, create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{}))
}

func TestDiverseOnServer(t *testing.T) {
	checkDiverse(t, createReal(t, qdrant.Schema{Dim: 2, Shards: 1}))
}

func checkDiverse(t *testing.T, store *qdrant.Store) {
	// 1, 2 and 3 are alike, 4 and 5 on either side of them.
	degrees := map[index.ID]float64{1: 1, 2: 2, 3: 3, 4: 30, 5: -40}
	fan(t, store, degrees, func(index.ID) index.Payload { return nil })
	q := index.Query{Vector: []float32{1, 0}, K: 3}
	for _, test := range []struct {
		diversity  float32
		candidates int
		want       []index.ID
	}{
		{0, 5, []index.ID{1, 2, 3}}, {0.7, 5, []index.ID{1, 5, 4}}, {0.7, 4, []index.ID{1, 4, 3}}, {1, 3, []index.ID{1, 3, 2}},
	} {
		hits, err := store.Diverse(t.Context(), q, test.diversity, test.candidates)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, hitIDs(hits)); diff != "" {
			t.Errorf("diversity %v among %d (-want +got):\n%s", test.diversity, test.candidates, diff)
		}
		for _, h := range hits {
			if want := math.Cos(degrees[h.ID] * math.Pi / 180); math.Abs(float64(h.Score)-want) > 1e-5 {
				t.Errorf("diversity %v: score %v of item %d, want the similarity %v", test.diversity, h.Score, h.ID, want)
			}
		}
	}
	for _, bad := range []struct {
		diversity  float32
		candidates int
	}{{-0.1, 5}, {1.1, 5}, {float32(math.NaN()), 5}, {0.5, 2}} {
		if _, err := store.Diverse(t.Context(), q, bad.diversity, bad.candidates); !is(err, index.ErrQuery) {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}
