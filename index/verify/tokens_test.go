package verify_test

import (
	"path/filepath"
	"slices"
	"testing"

	"engram/index"
	"engram/index/local"
	"engram/index/verify"
)

// The first token of an item is its vector.
func TestTokensOfAnotherImageAreFound(t *testing.T) {
	format := index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 3}
	for name, first := range map[string][]float32{"its own": {2, 0, 0}, "another one's": {0, 1, 0}, "zero": {0, 0, 0}} {
		store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: 3, Tokens: format})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := format.Encode(nil, append(slices.Clone(first), 1, 2, 3))
		if err == nil {
			err = store.Upsert(t.Context(), []index.Item{{ID: 1, Vector: []float32{1, 0, 0}, Tokens: tokens}})
		}
		if err != nil {
			t.Fatal(err)
		}
		report, err := verify.Verify(t.Context(), store, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(report.Checks, func(c verify.Check) bool { return c.Name == "tokens" })
		if i < 0 || (report.Checks[i].Outcome == verify.OK) != (name == "its own") {
			t.Errorf("%s: checks %+v", name, report.Checks)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
