package indextest

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// TokenFormat is the format of the tokens of the stores that Tokens opens.
var TokenFormat = index.TokenFormat{Kind: index.TokensInt8, Count: 3, Dim: 2}

// Tokens runs the tests of index.TokenStore on an engine. The stores that open opens
// keep tokens of TokenFormat.
func Tokens(t *testing.T, open Opener) {
	for name, run := range map[string]func(*testing.T, fixture){
		"tokens come back as they went in": testTokens, "items of other tokens are refused": testTokensRefused,
	} {
		t.Run(name, func(t *testing.T) {
			name := "tokens-" + newName()
			run(t, fixture{t: t, open: func(dim int) index.Store { return open(t, name, dim) }})
		})
	}
}

// withTokens returns an item with tokens.
func withTokens(id index.ID, tokens []byte) index.Item {
	return index.Item{ID: id, Vector: axis(2, 1), Tokens: tokens}
}

func testTokens(t *testing.T, f fixture) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := map[index.ID][]byte{}
	item := func(id index.ID) index.Item {
		b := make([]byte, TokenFormat.Size())
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		want[id] = b
		return withTokens(id, b)
	}
	store := f.open(2)
	for round := range 12 {
		var items []index.Item
		for range 40 {
			items = append(items, item(index.ID(rng.IntN(100))))
		}
		f.upsert(store, items...)
		gone := []index.ID{index.ID(rng.IntN(100)), index.ID(rng.IntN(100))}
		if _, err := store.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		delete(want, gone[0])
		delete(want, gone[1])
		f.wantTokens(store, want)
		if round%3 != 0 {
			continue
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = f.open(2)
		f.wantTokens(store, want)
	}
	if info, err := store.Info(t.Context()); err != nil || info.Tokens != TokenFormat {
		t.Errorf("info says %s, error %v; want %s", info.Tokens, err, TokenFormat)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.(index.TokenStore).Tokens(t.Context(), []index.ID{1}); !errors.Is(err, index.ErrClosed) {
		t.Errorf("tokens of a closed store: error %v, want ErrClosed", err)
	}
}

// wantTokens compares the tokens of ids 0 to 99, and some that are not there.
func (f fixture) wantTokens(store index.Store, want map[index.ID][]byte) {
	f.t.Helper()
	var ids []index.ID
	var listed [][]byte
	for id := range index.ID(120) {
		ids, listed = append(ids, id), append(listed, want[id])
	}
	got, err := store.(index.TokenStore).Tokens(f.t.Context(), ids)
	if err != nil {
		f.t.Fatal(err)
	}
	if diff := cmp.Diff(listed, got); diff != "" {
		f.t.Fatalf("tokens (-want +got):\n%s", diff)
	}
}

func testTokensRefused(t *testing.T, f fixture) {
	store := f.fresh(2)
	good := withTokens(1, make([]byte, TokenFormat.Size()))
	for _, bad := range [][]byte{nil, make([]byte, TokenFormat.Size()-1), make([]byte, TokenFormat.Size()+1)} {
		if err := store.Upsert(t.Context(), []index.Item{good, withTokens(2, bad)}); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%d bytes: error %v, want ErrTokens", len(bad), err)
		}
	}
	if n := f.count(store); n != 0 {
		t.Errorf("%d items are there after calls that were refused", n)
	}
}
