package qdrant_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/protobuf/testing/protocmp"
)

// The server returns any of the items that tie for the last place.
func TestTies(t *testing.T) {
	server := start(t, double.Options{})
	checkTies(t, create(t, server, qdrant.Options{}, qdrant.Schema{}))
	if calls := server.Calls("Points/Query"); calls > 20 {
		t.Errorf("%d calls for 4 searches", calls)
	}
}

func TestTiesOnServer(t *testing.T) {
	checkTies(t, createReal(t, qdrant.Schema{Dim: 2}))
}

func checkTies(t *testing.T, store *qdrant.Store) {
	t.Helper()
	var items []index.Item
	for id := range index.ID(300) {
		items = append(items, index.Item{ID: id, Vector: []float32{1, float32(id % 3)}, Payload: index.Payload{"x": float64(id)}})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	for k, last := range map[int]index.ID{1: 0, 5: 12, 99: 294, 105: 13} {
		hits, err := store.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: k})
		if err != nil || len(hits) != k || hits[k-1].ID != last {
			t.Errorf("K = %d: %d hits, error %v, the last one %v; want %d", k, len(hits), err, hits[len(hits)-1], last)
		}
	}
	below := 3.5 // which is decided here, and leaves fewer than K
	hits, err := store.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: 9, Filter: index.Range{Key: "x", Below: &below}})
	if err != nil || len(hits) != 4 {
		t.Errorf("%d hits, error %v; want 4", len(hits), err)
	}
}

// requests are what is asked of the server.
func TestSearchParameters(t *testing.T) {
	server := start(t, double.Options{})
	var got *api.SearchParams
	server.Tamper("Points/Query", func(request, _ any) { got = request.(*api.QueryPoints).Params })
	graph := func(ef uint64, oversampling float64) *api.SearchParams {
		return &api.SearchParams{HnswEf: &ef, Quantization: &api.QuantizationSearchParams{Rescore: new(true), Oversampling: &oversampling}}
	}
	for name, test := range map[string]struct {
		opts  qdrant.Options
		codes index.Quantisation
		query index.Query
		want  *api.SearchParams
	}{
		"small":           {qdrant.Options{}, index.Int8, query, &api.SearchParams{Exact: new(true)}},
		"graph":           {qdrant.Options{ExactUpTo: -1}, index.Int8, query, graph(128, 2)},
		"graph and bits":  {qdrant.Options{ExactUpTo: -1}, index.Binary, query, graph(128, 8)},
		"graph as wished": {qdrant.Options{ExactUpTo: -1, EF: 64, Oversampling: 3}, index.Unquantised, query, graph(64, 3)},
		"exact":           {qdrant.Options{ExactUpTo: -1}, index.Int8, index.Query{Vector: query.Vector, K: 3, Exact: true}, &api.SearchParams{Exact: new(true)}},
		"some recall":     {qdrant.Options{ExactUpTo: -1}, index.Int8, index.Query{Vector: query.Vector, K: 3, Recall: .9}, graph(32, 2)},
		"recall of many":  {qdrant.Options{ExactUpTo: -1}, index.Int8, index.Query{Vector: query.Vector, K: 100, Recall: .9}, graph(320, 2)},
		"high recall":     {qdrant.Options{ExactUpTo: -1, EF: 16}, index.Int8, index.Query{Vector: query.Vector, K: 3, Recall: .995}, graph(128, 2)},
		"full recall":     {qdrant.Options{ExactUpTo: -1}, index.Int8, index.Query{Vector: query.Vector, K: 3, Recall: 1}, &api.SearchParams{Exact: new(true)}},
	} {
		test.opts.Collection = name
		store := create(t, server, test.opts, qdrant.Schema{Quantisation: test.codes})
		if _, err := store.Search(t.Context(), test.query); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Above the limit, a collection is searched over the graph.
func TestSearchParametersFollowTheSize(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	var items []index.Item
	for id := range index.ID(20) {
		items = append(items, index.Item{ID: id, Vector: []float32{1, float32(id)}})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	for limit, exact := range map[int]bool{19: false, 20: true} {
		again, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos", ExactUpTo: limit})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		server.Tamper("Points/Query", func(request, _ any) {
			if got := request.(*api.QueryPoints).GetParams().GetExact(); got != exact {
				t.Errorf("20 items, exact up to %d: exact %v", limit, got)
			}
		})
		if hits, err := again.Search(t.Context(), query); err != nil || len(hits) != 3 {
			t.Errorf("%d hits, error %v", len(hits), err)
		}
	}
}

func TestSchema(t *testing.T) {
	server := start(t, double.Options{})
	var got *api.CreateCollection
	var order []string
	server.Tamper("Collections/Create", func(request, _ any) { got = request.(*api.CreateCollection) })
	server.Tamper("Points/CreateFieldIndex", func(request, _ any) {
		r := request.(*api.CreateFieldIndexCollection)
		order = append(order, r.GetFieldName()+" "+r.GetFieldType().String())
	})
	create(t, server, qdrant.Options{Collection: "photos"}, qdrant.Schema{
		Dim: 3, Space: space.Space{Name: "clip 1", Fingerprint: "f00"}, Labels: map[string]string{"root": "/photos"}, Quantisation: index.Binary,
		Indexes: map[string]index.PayloadKind{"width": index.Number, "categories": index.Keyword, "a b": index.Words},
		Shards:  6, Replicas: 2, Consistency: 1, M: 24, EFConstruct: 100,
	})
	want := &api.CreateCollection{
		CollectionName: "photos", ShardNumber: new(uint32(6)), ReplicationFactor: new(uint32(2)), WriteConsistencyFactor: new(uint32(1)),
		OnDiskPayload: new(true), OptimizersConfig: &api.OptimizersConfigDiff{IndexingThreshold: new(uint64(10_000))},
		VectorsConfig: api.NewVectorsConfigMap(map[string]*api.VectorParams{"cls": {
			Size: 3, Distance: api.Distance_Cosine, OnDisk: new(true),
			HnswConfig:         &api.HnswConfigDiff{M: new(uint64(24)), EfConstruct: new(uint64(100))},
			QuantizationConfig: api.NewQuantizationBinary(&api.BinaryQuantization{AlwaysRam: new(true)}),
		}}),
		Metadata: api.NewValueMap(map[string]any{"engram": map[string]any{
			"bundle": "f00", "bundle_name": "clip 1", "labels": map[string]any{"root": "/photos"},
		}}),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the collection (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`"a b" FieldTypeText`, "categories FieldTypeKeyword", "width FieldTypeFloat"}, order); diff != "" {
		t.Errorf("payload indexes (-want +got):\n%s", diff)
	}

	store, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	info, err := store.Info(t.Context())
	if want := (index.Info{Engine: "qdrant", Dim: 3, Space: space.Space{Name: "clip 1", Fingerprint: "f00"}}); info != want || err != nil {
		t.Errorf("info %+v, error %v; want %+v", info, err, want)
	}
	if labels, err := store.Labels(t.Context()); len(labels) != 1 || labels["root"] != "/photos" || err != nil {
		t.Errorf("labels %v, error %v", labels, err)
	}
	if err := store.SetLabel(t.Context(), "bundle", "/clip"); err != nil {
		t.Fatal(err)
	}
	again, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if labels, err := again.Labels(t.Context()); len(labels) != 2 || labels["bundle"] != "/clip" || labels["root"] != "/photos" || err != nil {
		t.Errorf("labels %v, error %v", labels, err)
	}
	if info, err := again.Info(t.Context()); info.Space.Fingerprint != "f00" || err != nil {
		t.Errorf("new labels have changed the model: %+v, error %v", info, err)
	}
}

func TestSchemaIsChecked(t *testing.T) {
	server := start(t, double.Options{})
	create(t, server, qdrant.Options{Collection: "photos"}, qdrant.Schema{})
	for name, test := range map[string]struct {
		schema qdrant.Schema
		want   string
	}{
		"no dimension":    {qdrant.Schema{}, "dimension 0"},
		"large dimension": {qdrant.Schema{Dim: 65_537}, "dimension 65537"},
		"codes":           {qdrant.Schema{Dim: 2, Quantisation: "pq"}, `quantisation is "pq"`},
		"index":           {qdrant.Schema{Dim: 2, Indexes: map[string]index.PayloadKind{"a": ""}}, `"a" of kind ""`},
		"shards":          {qdrant.Schema{Dim: 2, Shards: -1}, "-1 for shards"},
		"exists":          {qdrant.Schema{Dim: 2}, "file already exists"},
	} {
		_, err := qdrant.Create(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"}, test.schema)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	for collection, change := range map[string]func(*api.CollectionParams){
		`one vector without a name, wanted one named "cls"`: func(p *api.CollectionParams) {
			p.VectorsConfig = api.NewVectorsConfig(&api.VectorParams{Size: 2, Distance: api.Distance_Cosine})
		},
		`no vectors named "cls", only ["clip"]`: func(p *api.CollectionParams) {
			vectors := p.VectorsConfig.GetParamsMap().Map
			vectors["clip"] = vectors["cls"]
			delete(vectors, "cls")
		},
		"compares by Dot": func(p *api.CollectionParams) { p.VectorsConfig.GetParamsMap().Map["cls"].Distance = api.Distance_Dot },
		"several vectors": func(p *api.CollectionParams) {
			p.VectorsConfig.GetParamsMap().Map["cls"].MultivectorConfig = &api.MultiVectorConfig{}
		},
	} {
		server.Tamper("Collections/Get", func(_, reply any) {
			change(reply.(*api.GetCollectionInfoResponse).Result.Config.Params)
		})
		_, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
		if err == nil || !strings.Contains(err.Error(), collection) {
			t.Errorf("error %v, want %q", err, collection)
		}
	}
}

// A request stays below 257 points and about 4 MiB.
func TestBatches(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	var sizes []int
	server.Tamper("Points/Upsert", func(request, _ any) { sizes = append(sizes, len(request.(*api.UpsertPoints).Points)) })
	for _, test := range []struct {
		items, bytes int
		want         []int
	}{
		{0, 0, nil}, {1, 0, []int{1}}, {256, 0, []int{256}}, {257, 0, []int{256, 1}}, {600, 0, []int{256, 256, 88}},
		{7, 1 << 20, []int{4, 3}}, {3, 5 << 20, []int{1, 1, 1}},
	} {
		items := make([]index.Item, test.items)
		for i := range items {
			items[i] = index.Item{ID: index.ID(i), Vector: []float32{1, 0}, Payload: index.Payload{"text": strings.Repeat("x", test.bytes)}}
		}
		sizes = nil
		if err := store.Upsert(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sizes, test.want) {
			t.Errorf("%d items of %d bytes went in requests of %v, want %v", test.items, test.bytes, sizes, test.want)
		}
	}
}

// All reads page after page, as it was when it started, whatever is written.
func TestAllOverManyPages(t *testing.T) {
	store := create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{Dim: 4})
	checkManyPages(t, store)
}

func TestAllOverManyPagesOfServer(t *testing.T) {
	checkManyPages(t, createReal(t, qdrant.Schema{Dim: 4}))
}

func checkManyPages(t *testing.T, store *qdrant.Store) {
	const n = 10_000 // of the 4096 items of a page
	items := make([]index.Item, n)
	for i := range items {
		items[i] = index.Item{ID: index.ID(2*i + 1), Vector: []float32{1, 0, 0, float32(i)}, Payload: index.Payload{"i": int64(i)}}
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	i := 0
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i == n || item.ID != items[i].ID || item.Payload["i"] != int64(i) {
			t.Fatalf("item %d is %v", i, item)
		}
		if i++; i%500 != 0 {
			continue
		}
		ids := []index.ID{index.ID(2*rng.IntN(n) + 1), index.ID(2*rng.IntN(n) + 1)}
		if _, err := store.Delete(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
		changed := []index.Item{
			{ID: index.ID(2*rng.IntN(n) + 1), Vector: []float32{0, 1, 0, 0}, Payload: index.Payload{"i": int64(-1)}},
			{ID: index.ID(2 * rng.IntN(n)), Vector: []float32{0, 0, 1, 0}},
			{ID: ids[0], Vector: []float32{0, 1, 0, 0}},
		}
		if err := store.Upsert(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
	}
	if i != n {
		t.Errorf("%d items, want %d", i, n)
	}
}
