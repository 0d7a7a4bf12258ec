package indextest

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// TokenOpener is an Opener of stores that keep tokens of a format.
type TokenOpener func(t testing.TB, name string, dim int, format index.TokenFormat) index.Store

// tokenFixture is a fixture whose stores keep tokens.
type tokenFixture struct {
	fixture
	format index.TokenFormat
}

// Tokens runs the tests of index.TokenStore on an engine, for every kind of tokens.
func Tokens(t *testing.T, open TokenOpener) {
	for name, run := range map[string]func(*testing.T, tokenFixture){
		"tokens come back as they went in": testTokens, "items of other tokens are refused": testTokensRefused,
	} {
		for _, kind := range []index.TokenKind{index.TokensFloat16, index.TokensInt8} {
			t.Run(name+" as "+string(kind), func(t *testing.T) {
				format := index.TokenFormat{Kind: kind, Count: 3, Dim: 2}
				name := "tokens-" + newName()
				run(t, tokenFixture{fixture{t: t, open: func(dim int) index.Store { return open(t, name, dim, format) }}, format})
			})
		}
	}
}

// withTokens returns an item with tokens.
func withTokens(id index.ID, tokens []byte) index.Item {
	return index.Item{ID: id, Vector: axis(2, 1), Tokens: tokens}
}

func testTokens(t *testing.T, f tokenFixture) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := map[index.ID][]byte{}
	item := func(id index.ID) index.Item {
		values := make([]float32, f.format.Elements())
		for i := range values {
			values[i] = float32(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(8)-6))) // subnormal ones too
		}
		b, err := f.format.Encode(nil, values)
		if err != nil {
			t.Fatal(err)
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
	if info, err := store.Info(t.Context()); err != nil || info.Tokens != f.format {
		t.Errorf("info says %s, error %v; want %s", info.Tokens, err, f.format)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.(index.TokenStore).Tokens(t.Context(), []index.ID{1}); !errors.Is(err, index.ErrClosed) {
		t.Errorf("tokens of a closed store: error %v, want ErrClosed", err)
	}
}

// wantTokens compares the tokens of ids 0 to 99, and some that are not there.
func (f tokenFixture) wantTokens(store index.Store, want map[index.ID][]byte) {
	f.t.Helper()
	ids, listed := []index.ID{7}, [][]byte{want[7]} // again below
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

func testTokensRefused(t *testing.T, f tokenFixture) {
	store := f.fresh(2)
	good := withTokens(1, make([]byte, f.format.Size()))
	for _, bad := range [][]byte{nil, make([]byte, f.format.Size()-1), make([]byte, f.format.Size()+1)} {
		if err := store.Upsert(t.Context(), []index.Item{good, withTokens(2, bad)}); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%d bytes: error %v, want ErrTokens", len(bad), err)
		}
	}
	if n := f.count(store); n != 0 {
		t.Errorf("%d items are there after calls that were refused", n)
	}
}
