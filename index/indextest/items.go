package indextest

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

func testEmpty(t *testing.T, f fixture) {
	store := f.fresh(4)
	info, err := store.Info(t.Context())
	if err != nil || info.Dim != 4 || info.Count != 0 || info.Engine == "" {
		t.Errorf("info %+v, error %v; want an engine, dimension 4 and no items", info, err)
	}
	if hits := f.search(store, index.Query{Vector: axis(4, 0), K: 3}); len(hits) != 0 {
		t.Errorf("search found %v", hits)
	}
	if items := f.get(store, 1, 2); len(items) != 0 {
		t.Errorf("get found %v", items)
	}
	if n, err := store.Delete(t.Context(), []index.ID{1}); n != 0 || err != nil {
		t.Errorf("delete: %d, %v", n, err)
	}
	for item, err := range store.All(t.Context()) {
		t.Errorf("all yields %v, %v", item, err)
	}
	f.upsert(store)
	if err := store.Flush(t.Context()); err != nil {
		t.Errorf("flush: %v", err)
	}
}

// payload has every type of value, and values that lose their type easily.
var payload = index.Payload{
	"path": "a/b \x00 ü 漢.jpg", "empty": "", "caption": []string{"one", "", "three"}, "none": []string{},
	"yes": true, "no": false, "null": nil,
	"int": int64(7), "large": int64(math.MaxInt64), "small": int64(math.MinInt64), "exact": int64(1<<53 + 1),
	"float": 7.0, "tiny": math.SmallestNonzeroFloat64, "huge": math.MaxFloat64, "": "a key without letters",
}

func testRoundTrip(t *testing.T, f fixture) {
	store := f.fresh(3)
	want := []index.Item{
		{ID: math.MaxUint64, Vector: axis(3, 0), Payload: payload},
		{ID: 0, Vector: axis(3, 1)},
		{ID: 5, Vector: axis(3, 2), Payload: index.Payload{}},
	}
	f.upsert(store, want...)
	if diff := cmp.Diff(want, f.get(store, math.MaxUint64, 0, 5)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	again := f.get(store, 5, 99, 0, 5)
	if diff := cmp.Diff([]index.Item{want[2], want[1], want[2]}, again); diff != "" {
		t.Errorf("items in the order asked for, missing ones left out (-want +got):\n%s", diff)
	}
	hits := f.search(store, index.Query{Vector: axis(3, 0), K: 1, WithPayload: true})
	if diff := cmp.Diff([]index.Hit{{ID: math.MaxUint64, Score: 1, Payload: payload}}, hits, approx); diff != "" {
		t.Errorf("hit with payload (-want +got):\n%s", diff)
	}
	if hit := f.search(store, index.Query{Vector: axis(3, 0), K: 1})[0]; hit.Payload != nil {
		t.Errorf("a payload that was not asked for: %v", hit.Payload)
	}
}

func testNormalised(t *testing.T, f fixture) {
	store := f.fresh(2)
	vectors := [][]float32{{3, 4}, {3e-30, 4e-30}, {3e30, 4e30}}
	for i, v := range vectors {
		given := index.Payload{"n": int64(i)}
		f.upsert(store, index.Item{ID: index.ID(i), Vector: v, Payload: given})
		if want := vectors[i]; v[0] != want[0] || v[1] != want[1] {
			t.Errorf("the caller's vector became %v", v)
		}
		given["n"] = "changed by the caller"
		got := f.get(store, index.ID(i))[0]
		want := index.Item{ID: index.ID(i), Vector: []float32{0.6, 0.8}, Payload: index.Payload{"n": int64(i)}}
		if diff := cmp.Diff(want, got, approx); diff != "" {
			t.Errorf("stored item (-want +got):\n%s", diff)
		}
		got.Vector[0], got.Payload["n"] = 9, "changed by the reader"
		if diff := cmp.Diff([]index.Item{want}, f.get(store, index.ID(i)), approx); diff != "" {
			t.Errorf("after the reader changed its copy (-want +got):\n%s", diff)
		}
	}
	query := []float32{-30, -40}
	for _, hit := range f.search(store, index.Query{Vector: query, K: 3}) {
		if math.Abs(float64(hit.Score)+1) > tolerance || hit.Score < -1 {
			t.Errorf("score of the opposite direction: %v, want -1", hit.Score)
		}
	}
	if query[0] != -30 || query[1] != -40 {
		t.Errorf("the caller's query became %v", query)
	}
}

func testReplace(t *testing.T, f fixture) {
	store := f.fresh(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0), Payload: index.Payload{"v": int64(1)}})
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0), Payload: index.Payload{"v": int64(2)}},
		index.Item{ID: 1, Vector: axis(2, 1), Payload: index.Payload{"v": int64(3)}})
	want := []index.Item{{ID: 1, Vector: axis(2, 1), Payload: index.Payload{"v": int64(3)}}}
	if diff := cmp.Diff(want, f.get(store, 1)); diff != "" {
		t.Errorf("the last one given counts (-want +got):\n%s", diff)
	}
	hits := f.search(store, index.Query{Vector: axis(2, 1), K: 5})
	if diff := cmp.Diff([]index.Hit{{ID: 1, Score: 1}}, hits, approx); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	if n := f.count(store); n != 1 {
		t.Errorf("count %d, want 1", n)
	}
}

func testDelete(t *testing.T, f fixture) {
	store := f.fresh(2)
	for id := range index.ID(6) {
		f.upsert(store, index.Item{ID: id, Vector: []float32{1, float32(id)}})
	}
	n, err := store.Delete(t.Context(), []index.ID{4, 1, 77, 4})
	if n != 2 || err != nil {
		t.Errorf("delete of two items: %d, %v", n, err)
	}
	if n, err := store.Delete(t.Context(), []index.ID{4}); n != 0 || err != nil {
		t.Errorf("second delete: %d, %v", n, err)
	}
	if items := f.get(store, 1, 4); len(items) != 0 || f.count(store) != 4 {
		t.Errorf("get still finds %v, count %d", items, f.count(store))
	}
	f.wantIDs(f.search(store, index.Query{Vector: axis(2, 1), K: 9}), 5, 3, 2, 0)
	f.upsert(store, index.Item{ID: 4, Vector: []float32{1, 4}})
	f.wantIDs(f.search(store, index.Query{Vector: axis(2, 1), K: 2}), 5, 4)
}

func testRefused(t *testing.T, f fixture) {
	store := f.fresh(2)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for name, bad := range map[string]struct {
		item index.Item
		want error
	}{
		"short":       {index.Item{Vector: []float32{1}}, index.ErrDimension},
		"long":        {index.Item{Vector: []float32{1, 2, 3}}, index.ErrDimension},
		"no vector":   {index.Item{}, index.ErrDimension},
		"NaN":         {index.Item{Vector: []float32{1, nan}}, index.ErrVector},
		"infinite":    {index.Item{Vector: []float32{inf, 1}}, index.ErrVector},
		"zero":        {index.Item{Vector: []float32{0, 0}}, index.ErrVector},
		"int":         {index.Item{Vector: axis(2, 0), Payload: index.Payload{"k": 1}}, index.ErrPayload},
		"float32":     {index.Item{Vector: axis(2, 0), Payload: index.Payload{"k": float32(1)}}, index.ErrPayload},
		"nested":      {index.Item{Vector: axis(2, 0), Payload: index.Payload{"k": map[string]any{}}}, index.ErrPayload},
		"list of any": {index.Item{Vector: axis(2, 0), Payload: index.Payload{"k": []any{"a"}}}, index.ErrPayload},
	} {
		bad.item.ID = 2
		items := []index.Item{{ID: 1, Vector: axis(2, 0)}, bad.item, {ID: 3, Vector: axis(2, 1)}}
		if err := store.Upsert(t.Context(), items); !errors.Is(err, bad.want) {
			t.Errorf("%s: error %v, want %v", name, err, bad.want)
		}
		if n := f.count(store); n != 0 {
			t.Fatalf("%s: %d items of a refused call are there", name, n)
		}
	}
}

func testOrder(t *testing.T, f fixture) {
	store := f.fresh(2)
	// Three directions, each with several ids, written in no order.
	for _, id := range []index.ID{31, 12, 22, 11, 33, 21, 32, 13} {
		angle := float64(id/10) / 4
		f.upsert(store, index.Item{ID: id, Vector: []float32{float32(math.Cos(angle)), float32(math.Sin(angle))}})
	}
	want := []index.ID{11, 12, 13, 21, 22, 31, 32, 33}
	// What lies in the memory for an answer is no part of it.
	into := slices.Repeat([]index.Hit{{ID: 99, Score: 1, Payload: index.Payload{"n": 1}}}, 5)
	for k := 1; k < 12; k++ {
		hits := f.search(store, index.Query{Vector: axis(2, 0), K: k, Into: into})
		f.wantIDs(hits, want[:min(k, len(want))]...)
		for i, h := range hits {
			if cos := math.Cos(float64(h.ID/10) / 4); math.Abs(float64(h.Score)-cos) > tolerance {
				t.Errorf("hit %d: score %v of id %d, want %v", i, h.Score, h.ID, cos)
			}
			if h.Payload != nil {
				t.Errorf("hit %d has a payload that was not asked for", i)
			}
		}
	}
}

func testQueries(t *testing.T, f fixture) {
	store := f.fresh(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0)})
	for name, bad := range map[string]struct {
		query index.Query
		want  error
	}{
		"K = 0":      {index.Query{Vector: axis(2, 0)}, index.ErrQuery},
		"K < 0":      {index.Query{Vector: axis(2, 0), K: -1}, index.ErrQuery},
		"recall":     {index.Query{Vector: axis(2, 0), K: 1, Recall: 1.01}, index.ErrQuery},
		"recall < 0": {index.Query{Vector: axis(2, 0), K: 1, Recall: -.5}, index.ErrQuery},
		"no recall":  {index.Query{Vector: axis(2, 0), K: 1, Recall: math.NaN()}, index.ErrQuery},
		"both":       {index.Query{Vector: axis(2, 0), K: 1, Recall: .9, Exact: true}, index.ErrQuery},
		"no vector":  {index.Query{K: 1}, index.ErrDimension},
		"long":       {index.Query{K: 1, Vector: axis(3, 0)}, index.ErrDimension},
		"zero":       {index.Query{K: 1, Vector: make([]float32, 2)}, index.ErrVector},
		"NaN":        {index.Query{K: 1, Vector: []float32{0, float32(math.NaN())}}, index.ErrVector},
		"infinite":   {index.Query{K: 1, Vector: []float32{0, float32(math.Inf(1))}}, index.ErrVector},
	} {
		if _, err := store.Search(t.Context(), bad.query); !errors.Is(err, bad.want) {
			t.Errorf("%s: error %v, want %v", name, err, bad.want)
		}
	}
	if hits := f.search(store, index.Query{Vector: axis(2, 0), K: math.MaxInt}); len(hits) != 1 {
		t.Errorf("a huge K found %d of 1 item", len(hits))
	}
}

// large is a store with items, and the model of them.
type large struct {
	fixture
	store index.Store
	model model
	rng   *rand.Rand
}

// queries is how many a test asks, and k how many hits of each.
const queries, k = 20, 20

// newLarge fills a store with enough items that an engine may take short cuts.
func newLarge(f fixture) large {
	const dim, n = 48, 3000
	l := large{fixture: f, store: f.fresh(dim), model: model{}, rng: rand.New(rand.NewPCG(1, 2))}
	for id := index.ID(0); id < n; id += 500 {
		var batch []index.Item
		for i := range index.ID(500) {
			batch = append(batch, index.Item{
				ID: (id + i) * 7919 % 100_003, Vector: randomVector(l.rng, dim), Payload: index.Payload{"class": int64(i % 3)},
			})
		}
		f.upsert(l.store, batch...)
		l.model.upsert(batch)
		if id%1000 == 0 {
			if err := l.store.Flush(f.t.Context()); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	return l
}

// query returns a query in a random direction.
func (l large) query() index.Query {
	return index.Query{Vector: randomVector(l.rng, 48), K: k}
}

func testExact(t *testing.T, f fixture) {
	l := newLarge(f)
	for range queries {
		q := l.query()
		q.Exact, q.Explain = true, new(index.Explanation)
		l.model.checkHits(t, q, f.search(l.store, q))
		if e := q.Explain; e.Path == "" || e.Recall == nil || *e.Recall != 1 {
			t.Errorf("an exact search is explained by %+v, wanted a recall of 1", *e)
		}
	}
}

func testRecall(t *testing.T, f fixture) {
	l := newLarge(f)
	for _, target := range []float64{0, .5, .9, .99, 1} {
		found := 0
		for range queries {
			q := l.query()
			q.Recall = target
			hits := f.search(l.store, q)
			if len(hits) != k {
				t.Fatalf("recall %v: %d hits, want %d", target, len(hits), k)
			}
			found += l.model.exactHits(q, hits)
		}
		if recall := float64(found) / (queries * k); recall < target {
			t.Errorf("a recall of %v, wanted %v", recall, target)
		}
	}
}

func testBatch(t *testing.T, f fixture) {
	l := newLarge(f)
	var batch []index.Query
	for i := range 2 * queries {
		q := l.query()
		q.K, q.Exact, q.WithPayload = 1+i, true, i%2 == 0
		if i%5 == 0 {
			q.Filter = index.Equal{Key: "class", Value: int64(1)}
		}
		batch = append(batch, q)
	}
	found, err := index.SearchBatch(t.Context(), l.store, batch)
	if err != nil || len(found) != len(batch) {
		t.Fatalf("%d answers to %d queries, error %v", len(found), len(batch), err)
	}
	for i, q := range batch {
		l.model.checkHits(t, q, found[i])
	}
	if found, err := index.SearchBatch(t.Context(), l.store, nil); err != nil || len(found) != 0 {
		t.Errorf("no queries: %v, error %v", found, err)
	}
	batch[7].K = 0
	if found, err := index.SearchBatch(t.Context(), l.store, batch); !errors.Is(err, index.ErrQuery) || found != nil {
		t.Errorf("a batch with a query for 0 items: error %v, want %v", err, index.ErrQuery)
	}
}
