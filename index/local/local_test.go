package local_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"engram/index"
	"engram/index/indextest"
	"engram/index/local"
)

func TestContract(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	indextest.Contract(t, func(t testing.TB, name string, dim int) index.Store {
		t.Helper()
		dir := filepath.Join(root, name)
		return openOrCreate(t, dir, local.Options{Dim: dim})
	})
	indextest.Tokens(t, func(t testing.TB, name string, dim int, format index.TokenFormat) index.Store {
		t.Helper()
		return openOrCreate(t, filepath.Join(root, name), local.Options{Dim: dim, Tokens: format})
	})
}

// sealed flushes after every Upsert, so that all rows lie on disk with the indexes of
// their payloads.
type sealed struct{ index.Store }

func (s sealed) Upsert(ctx context.Context, items []index.Item) error {
	if err := s.Store.Upsert(ctx, items); err != nil {
		return err
	}
	return s.Flush(ctx)
}

// Filters mean the same with indexes of none, some and all of their keys.
func TestFiltersByIndexes(t *testing.T) {
	t.Parallel()
	values := []string{"path", "tags", "width", "score", "flipped", "captions", "a.b", "ключ", "two words", "list[0]", "词", "n", "parity", "a", "b", "B", "é", "x y"}
	words := []string{"captions", "词", "path", "a", "b", "a.b", "B", "é", "x y", "NSFW"}
	for name, indexes := range map[string]local.PayloadIndexes{
		"all keys": {Values: values, Words: words}, "some keys": {Values: []string{"width", "a", "B", "n"}, Words: []string{"a.b", "é"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			indextest.Filtered(t, func(t testing.TB, name string, dim int) index.Store {
				t.Helper()
				return sealed{openOrCreate(t, filepath.Join(root, name), local.Options{Dim: dim, Indexes: indexes})}
			})
		})
	}
}

func openOrCreate(t testing.TB, dir string, opts local.Options) index.Store {
	t.Helper()
	store, err := local.Open(dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.Create(dir, opts)
	}
	if err != nil {
		t.Fatal(err)
	}
	return store
}
