package qdrant_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
	"engram/index/copyindex"
	"engram/index/local"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
	"engram/index/verify"
)

// An index that goes to a collection and comes back is what it was.
func testThereAndBack(t *testing.T, opts qdrant.Options, items int) {
	const dim = 24
	tokens := index.TokenFormat{Kind: index.TokensFloat16, Count: 3, Dim: 8}
	newLocal := func() *local.Store {
		store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"}, Tokens: tokens})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	from, back := newLocal(), newLocal()
	rng := rand.New(rand.NewPCG(1, 2))
	var given []index.Item
	for i := range items {
		v := make([]float32, dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		item := index.Item{ID: index.ID(rng.Uint64()), Vector: v, Payload: index.Payload{
			"path": fmt.Sprintf("ü/%d \x00.jpg", i), "n": int64(i) << 50, "share": float64(i) / 3, "whole": 7.0,
			"words": []string{"a", ""}, "none": []string{}, "null": nil, "yes": i%2 == 0, "": "no letters", "a.b[0]": "path",
		}}
		if i%9 == 0 {
			item.Payload = nil
		}
		var err error
		if item.Tokens, err = tokens.Encode(nil, v); err != nil { // as many elements
			t.Fatal(err)
		}
		given = append(given, item)
	}
	if err := from.Upsert(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	opts.Collection = "there-and-back"
	there, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"}, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		there.Close()
		drop(t, opts)
	})
	var digests, tokenDigests []string
	for _, move := range []struct{ from, to index.Store }{{from, there}, {there, back}} {
		for again := range 2 {
			report, err := copyindex.Copy(t.Context(), move.from, move.to, copyindex.Options{Batch: 100})
			if err != nil {
				t.Fatal(err)
			}
			if report.Tokens != items || report.Items != items || report.Added != items*(1-again) || report.Unchanged != items*again {
				t.Errorf("copy %d: %+v", again+1, report)
			}
			t.Logf("deviation %g", report.MaxDeviation)
			digests, tokenDigests = append(digests, report.Digest), append(tokenDigests, report.TokenDigest)
		}
	}
	if len(slices.Compact(digests)) > 1 || len(slices.Compact(tokenDigests)) > 1 {
		t.Errorf("digests %v, of tokens %v; want them equal", digests, tokenDigests)
	}
	for item, err := range from.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Get(t.Context(), []index.ID{item.ID})
		if err != nil || len(got) != 1 {
			t.Fatalf("item %d: %v, %v", item.ID, got, err)
		}
		if diff := cmp.Diff(item.Payload, got[0].Payload); diff != "" {
			t.Fatalf("payload of item %d (-before +after):\n%s", item.ID, diff)
		}
		before, err := from.Tokens(t.Context(), []index.ID{item.ID})
		if err != nil {
			t.Fatal(err)
		}
		after, err := back.Tokens(t.Context(), []index.ID{item.ID})
		if err != nil || !bytes.Equal(before[0], after[0]) {
			t.Fatalf("tokens of item %d: %v and back %v, error %v", item.ID, before[0], after[0], err)
		}
	}
	report, err := verify.Verify(t.Context(), there, verify.Options{})
	if err != nil || !report.OK() || report.Digest != digests[0] {
		t.Errorf("audit of the collection: %+v, error %v", report, err)
	}
}

func TestThereAndBack(t *testing.T) {
	testThereAndBack(t, qdrant.Options{Addr: start(t, double.Options{}).Addr()}, 1000)
}

func TestThereAndBackOnServer(t *testing.T) { testThereAndBack(t, real(t), 20_000) }
