package qdrant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	api "github.com/qdrant/go-client/qdrant"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// A key for reading is enough. The server counts where it has an index, and the payloads
// are read of the items whose values the index does not have.
func TestValueCountsMakeNoIndex(t *testing.T) {
	server := start(t, double.Options{APIKey: "secret", ReadKey: "reader"})
	store := create(t, server, qdrant.Options{APIKey: "secret"}, qdrant.Schema{Indexes: map[string]index.PayloadKind{"kind": index.Keyword, "caption": index.Words}})
	if err := store.Upsert(t.Context(), photosOf("cat", "dog", []string{"cat", "cat", "cow"}, true, int64(3), "gone", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Delete(t.Context(), []index.ID{5}); err != nil {
		t.Fatal(err)
	}
	var facet *api.FacetCounts
	server.Tamper("Points/Facet", func(request, _ any) { facet = request.(*api.FacetCounts) })
	read := 0
	server.Tamper("Points/Scroll", func(_, reply any) {
		for _, p := range reply.(*api.ScrollResponse).GetResult() {
			read++
			if len(p.GetPayload()) > 1 || p.GetVectors() != nil {
				t.Errorf("more than a key was read: %v", p)
			}
		}
	})
	reader := open(t, qdrant.Options{Addr: server.Addr(), Collection: "photos", APIKey: "reader"})
	made := server.Calls("Points/CreateFieldIndex")
	check := func(key string, want []index.ValueCount, wantRead int) {
		t.Helper()
		read = 0
		got, err := reader.CountValues(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", key, diff)
		}
		if read != wantRead {
			t.Errorf("%s: %d payloads were read, want %d", key, read, wantRead)
		}
	}
	check("kind", []index.ValueCount{{Value: "cat", Items: 2}, {Value: true, Items: 1}, {Value: "cow", Items: 1}, {Value: "dog", Items: 1}}, 2)
	if !facet.GetExact() || facet.GetLimit() < 1000 {
		t.Errorf("asked for %v, want exact counts of many values", facet)
	}
	check("caption", []index.ValueCount{{Value: "long", Items: 6}}, 6)
	if calls := server.Calls("Points/Facet"); calls != 1 {
		t.Errorf("%d facets were asked for, want the one of the key with keywords", calls)
	}
	if n := server.Calls("Points/CreateFieldIndex"); n != made {
		t.Errorf("%d indexes were made by counting", n-made)
	}
}

// Where too much would have to be read, the key is not counted, unless it has an index.
func TestValueCountsOfALargeCollection(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Indexes: map[string]index.PayloadKind{"kind": index.Keyword}})
	if err := store.Upsert(t.Context(), photosOf("cat", "dog", "cat")); err != nil {
		t.Fatal(err)
	}
	want := []index.ValueCount{{Value: "cat", Items: 2}, {Value: "dog", Items: 1}}
	values := 10_000
	server.Tamper("Points/Facet", func(_, reply any) {
		hits := &reply.(*api.FacetResponse).Hits
		for i := len(*hits); i < values; i++ {
			*hits = append(*hits, &api.FacetHit{Value: &api.FacetValue{Variant: &api.FacetValue_StringValue{StringValue: fmt.Sprint(i)}}, Count: 1})
		}
	})
	if got, err := store.CountValues(t.Context(), "kind"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("of more values than the server is asked for: %v, %v", got, err)
	}
	server.Tamper("Collections/Get", func(_, reply any) {
		reply.(*api.GetCollectionInfoResponse).GetResult().PointsCount = new(uint64(100_001))
	})
	for _, key := range []string{"kind", "caption"} {
		if got, err := store.CountValues(t.Context(), key); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
			t.Errorf("%s: %v, error %v, want %v", key, got, err, errors.ErrUnsupported)
		}
	}
	values = 0
	if got, err := store.CountValues(t.Context(), "kind"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("with an index: %v, %v", got, err)
	}
	server.Tamper("Points/Scroll", func(_, reply any) { // bools beside the keywords, without end
		page := reply.(*api.ScrollResponse)
		for id := range uint64(4096) {
			page.Result = append(page.Result, &api.RetrievedPoint{Id: api.NewIDNum(id), Payload: map[string]*api.Value{"kind": api.NewValueBool(true)}})
		}
		page.NextPageOffset = api.NewIDNum(4096)
	})
	if got, err := store.CountValues(t.Context(), "kind"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("many values beside the index: %v, error %v, want %v", got, err, errors.ErrUnsupported)
	}
}
