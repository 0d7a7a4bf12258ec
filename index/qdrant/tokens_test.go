package qdrant_test

import (
	"errors"
	"testing"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	api "github.com/qdrant/go-client/qdrant"
)

// tokenItems returns items with tokens of a format, whose elements are the item's id.
func tokenItems(t *testing.T, format index.TokenFormat, n int) []index.Item {
	t.Helper()
	items := make([]index.Item, n)
	for i := range items {
		values := make([]float32, format.Elements())
		for j := range values {
			values[j] = float32(i)
		}
		stored, err := format.Encode(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		items[i] = index.Item{ID: index.ID(i), Vector: []float32{1, float32(i)}, Tokens: stored}
	}
	return items
}

// The candidates of a search are one request, unless their tokens are many.
func TestTokensOfCandidatesAreOneRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ count, dim, items, calls int }{{65, 8, 200, 1}, {512, 1024, 10, 2}} {
		server := start(t, double.Options{})
		format := index.TokenFormat{Kind: index.TokensFloat16, Count: test.count, Dim: test.dim}
		store := create(t, server, qdrant.Options{}, qdrant.Schema{Tokens: format})
		items := tokenItems(t, format, test.items)
		ids := make([]index.ID, len(items))
		for i := range items {
			ids[i] = items[i].ID
		}
		if err := store.Upsert(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		before := server.Calls("Points/Get")
		tokens, err := store.Tokens(t.Context(), ids)
		if err != nil || string(tokens[test.items-1]) != string(items[test.items-1].Tokens) {
			t.Errorf("%s: other tokens than were stored, error %v", format, err)
		}
		if calls := server.Calls("Points/Get") - before; calls != test.calls {
			t.Errorf("%s of %d items: %d requests, want %d", format, test.items, calls, test.calls)
		}
	}
}

// A label is set by replacing all metadata, and the format of tokens is one of them.
func TestLabelsLeaveTokens(t *testing.T) {
	server := start(t, double.Options{})
	format := index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 3}
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Tokens: format})
	if err := store.SetLabel(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	again, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if info, err := again.Info(t.Context()); err != nil || info.Tokens != format {
		t.Errorf("%s, error %v; want %s", info.Tokens, err, format)
	}
}

func TestTokensThatNoCollectionKeeps(t *testing.T) {
	server := start(t, double.Options{})
	for _, format := range []index.TokenFormat{
		{Kind: "float32", Count: 1, Dim: 1}, {Kind: index.TokensFloat16, Count: 1, Dim: 65_537},
		{Kind: index.TokensInt8, Count: 1, Dim: 65_536 - 3}, {Kind: index.TokensFloat16, Count: 1 << 11, Dim: 1<<9 + 1},
	} {
		opts := qdrant.Options{Addr: server.Addr(), Collection: "photos"}
		if _, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: 2, Tokens: format}); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%s: error %v, want ErrTokens", format, err)
		}
	}
	plain := create(t, server, qdrant.Options{}, qdrant.Schema{})
	if _, err := plain.Tokens(t.Context(), []index.ID{1}); !errors.Is(err, index.ErrTokens) {
		t.Errorf("tokens of a collection without: error %v, want ErrTokens", err)
	}
	if err := plain.Upsert(t.Context(), tokenItems(t, index.TokenFormat{Kind: index.TokensInt8, Count: 1, Dim: 1}, 1)); !errors.Is(err, index.ErrTokens) {
		t.Errorf("tokens into a collection without: error %v, want ErrTokens", err)
	}
	float16 := create(t, server, qdrant.Options{Collection: "half"}, qdrant.Schema{Tokens: index.TokenFormat{Kind: index.TokensFloat16, Count: 1, Dim: 1}})
	infinite := index.Item{Vector: []float32{1, 0}, Tokens: []byte{0, 0x7c}}
	if err := float16.Upsert(t.Context(), []index.Item{infinite}); !errors.Is(err, index.ErrTokens) {
		t.Errorf("an infinite token: error %v, want ErrTokens", err)
	}
	// A collection whose vectors are not what its metadata say.
	server.Tamper("Collections/Get", func(_, reply any) {
		vectors := reply.(*api.GetCollectionInfoResponse).GetResult().GetConfig().GetParams().GetVectorsConfig().GetParamsMap().GetMap()
		if vectors["tokens"] != nil {
			vectors["tokens"].Size++
		}
	})
	if _, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "half"}); !errors.Is(err, index.ErrTokens) {
		t.Errorf("other vectors than recorded: error %v, want ErrTokens", err)
	}
}

// What is sent again at the end of a bulk load is neither older than what came after
// it, nor brings back what was deleted.
func TestEndOfBulkChangesNothing(t *testing.T) {
	server := start(t, double.Options{})
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: 2, Dim: 4}
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Tokens: format})
	items := tokenItems(t, format, 300)
	if err := store.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	changed := items[3]
	changed.Tokens = items[299].Tokens
	if err := store.Upsert(t.Context(), []index.Item{changed}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Delete(t.Context(), []index.ID{5}); err != nil {
		t.Fatal(err)
	}
	if err := store.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	tokens, err := store.Tokens(t.Context(), []index.ID{3, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	if string(tokens[0]) != string(items[299].Tokens) || tokens[1] != nil || string(tokens[2]) != string(items[6].Tokens) {
		t.Errorf("tokens %v", tokens)
	}
}

// A point whose tokens another program wrote is refused: what it has would be read as a
// part of the next item's tokens.
func TestTokensOfAnotherShapeAreRefused(t *testing.T) {
	format := index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 3}
	for name, change := range map[string]func(*api.MultiDenseVector){
		"one token less":                        func(v *api.MultiDenseVector) { v.Vectors = v.Vectors[:1] },
		"one token more":                        func(v *api.MultiDenseVector) { v.Vectors = append(v.Vectors, v.Vectors[0]) },
		"a token that is shorter by an element": func(v *api.MultiDenseVector) { v.Vectors[1].Data = v.Vectors[1].Data[1:] },
	} {
		server := start(t, double.Options{})
		store := create(t, server, qdrant.Options{}, qdrant.Schema{Tokens: format})
		if err := store.Upsert(t.Context(), tokenItems(t, format, 1)); err != nil {
			t.Fatal(err)
		}
		server.Tamper("Points/Get", func(_, reply any) {
			for _, p := range reply.(*api.GetResponse).GetResult() {
				change(p.GetVectors().GetVectors().GetVectors()["tokens"].GetMultiDense())
			}
		})
		if _, err := store.Tokens(t.Context(), []index.ID{0}); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%s: error %v, want ErrTokens", name, err)
		}
	}
}
