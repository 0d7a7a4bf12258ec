package copyindex_test

import (
	"bytes"
	"errors"
	"testing"

	"engram/data/space"
	"engram/index"
	"engram/index/copyindex"
	"engram/index/local"
)

func newTokenStore(t *testing.T, kind index.TokenKind, count int) *local.Store {
	t.Helper()
	return newLocal(t, local.Options{
		Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"},
		Tokens: index.TokenFormat{Kind: kind, Count: count, Dim: 4},
	})
}

// fillTokens upserts items whose tokens tell them apart.
func fillTokens(t *testing.T, store *local.Store, items []index.Item, format index.TokenFormat) {
	t.Helper()
	for i := range items {
		values := make([]float32, format.Elements())
		for j := range values {
			values[j] = float32(i%7) - float32(j)/3
		}
		var err error
		if items[i].Tokens, err = format.Encode(nil, values); err != nil {
			t.Fatal(err)
		}
	}
	put(t, store, items...)
}

func TestTokensAreCopiedAndCompared(t *testing.T) {
	items := randomItems(300)
	from := newTokenStore(t, index.TokensFloat16, 3)
	half := index.TokenFormat{Kind: index.TokensFloat16, Count: 3, Dim: 4}
	fillTokens(t, from, items, half)
	for _, kind := range []index.TokenKind{index.TokensFloat16, index.TokensInt8} {
		to := newTokenStore(t, kind, 3)
		if report := mustCopy(t, from, to, copyindex.Options{}); report.Added != 300 {
			t.Errorf("%s: %+v, want 300 added", kind, report)
		}
		if report := mustCopy(t, from, to, copyindex.Options{}); report.Unchanged != 300 {
			t.Errorf("%s, again: %+v, want 300 unchanged", kind, report)
		}
		ids := []index.ID{items[5].ID, items[200].ID}
		got, err := to.Tokens(t.Context(), ids)
		if err != nil || kind == index.TokensFloat16 && (!bytes.Equal(got[0], items[5].Tokens) || !bytes.Equal(got[1], items[200].Tokens)) {
			t.Errorf("%s: tokens %v, error %v", kind, got, err)
		}
		// Tokens alone that differ are replaced.
		changed := items[5]
		changed.Tokens, _ = index.TokenFormat{Kind: kind, Count: 3, Dim: 4}.Encode(nil, make([]float32, 12))
		put(t, to, changed)
		if report := mustCopy(t, from, to, copyindex.Options{}); report.Changed != 1 || report.Unchanged != 299 {
			t.Errorf("%s, changed: %+v, want 1 changed", kind, report)
		}
	}
}

func TestTokensThatTheSourceHasNotAreRefused(t *testing.T) {
	from := newTokenStore(t, index.TokensFloat16, 3)
	for _, c := range []struct{ from, to index.Store }{{newFilled(t, 3), newTokenStore(t, index.TokensFloat16, 3)}, {from, newTokenStore(t, index.TokensFloat16, 2)}} {
		if _, err := copyindex.Copy(t.Context(), c.from, c.to, copyindex.Options{}); !errors.Is(err, index.ErrTokens) {
			t.Errorf("error %v, want ErrTokens", err)
		}
	}
	if report := mustCopy(t, newFilled(t, 3), newTarget(t), copyindex.Options{}); report.Added != 3 {
		t.Errorf("without tokens: %+v", report)
	}
}
