package qdrant_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// photosOf returns items whose kinds are these.
func photosOf(kinds ...any) []index.Item {
	var items []index.Item
	for i, kind := range kinds {
		items = append(items, index.Item{ID: index.ID(i), Vector: []float32{1, 0}, Payload: index.Payload{"kind": kind, "caption": "long"}})
	}
	return items
}

// The double answers a facet as a server does.
func TestFacets(t *testing.T) {
	checkFacets(t, qdrant.Options{Addr: start(t, double.Options{}).Addr(), Collection: "photos"})
}

func TestFacetsOnServer(t *testing.T) {
	opts := real(t)
	opts.Collection = fmt.Sprintf("facets-%d", time.Now().UnixNano())
	checkFacets(t, opts)
}

func checkFacets(t *testing.T, opts qdrant.Options) {
	t.Helper()
	store, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: 2, Indexes: map[string]index.PayloadKind{"kind": index.Keyword, "caption": index.Words}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	defer store.Drop(context.Background())
	if err := store.Upsert(t.Context(), photosOf("dog", "cat", []string{"cow", "cow", "dog"}, true, int64(7), int64(7), 7.5)); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(opts.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "api-key", opts.APIKey)
	ask := func(key string, limit uint64, exact bool) ([]string, error) {
		reply, err := api.NewPointsClient(conn).Facet(ctx, &api.FacetCounts{CollectionName: opts.Collection, Key: key, Limit: &limit, Exact: &exact})
		var got []string
		for _, hit := range reply.GetHits() {
			v := hit.GetValue()
			got = append(got, fmt.Sprintf("%d of %q %d %t", hit.GetCount(), v.GetStringValue(), v.GetIntegerValue(), v.GetBoolValue()))
		}
		return got, err
	}
	check := func(limit uint64, want ...string) {
		t.Helper()
		for _, exact := range []bool{true, false} {
			if got, err := ask("kind", limit, exact); err != nil || !slices.Equal(got, want) {
				t.Errorf("facet of %d values, exact %v: %q, error %v, want %q", limit, exact, got, err, want)
			}
		}
	}
	check(9, `2 of "dog" 0 false`, `1 of "cat" 0 false`, `1 of "cow" 0 false`)
	check(2, `2 of "dog" 0 false`, `1 of "cat" 0 false`)
	check(0)
	for _, key := range []string{"caption", "nowhere"} {
		_, err := ask(key, 9, true)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "No appropriate index for faceting: `"+key+"`") {
			t.Errorf("facet of %s: %v", key, err)
		}
	}
	for kind, want := range map[index.PayloadKind]string{index.Bool: `1 of "" 0 true`, index.Integer: `2 of "" 7 false`} {
		if err := store.IndexPayload(t.Context(), map[string]index.PayloadKind{"kind": kind}); err != nil {
			t.Fatal(err)
		}
		check(9, want)
	}
}
