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
	keys := []string{"path", "tags", "width", "score", "flipped", "captions", "a.b", "ключ", "two words", "list[0]", "词", "n", "parity", "a", "b", "B", "é", "x y"}
	of := func(kind index.PayloadKind, keys ...string) map[string]index.PayloadKind {
		kinds := map[string]index.PayloadKind{}
		for _, key := range keys {
			kinds[key] = kind
		}
		return kinds
	}
	for name, indexes := range map[string][2]map[string]index.PayloadKind{
		"all keys":  {of(index.Keyword, keys...), of(index.Words, keys...)},
		"some keys": {of(index.Number, "width", "a", "B", "n"), of(index.Words, "a.b", "é", "x y")},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			indextest.Filtered(t, func(t testing.TB, name string, dim int) index.Store {
				t.Helper()
				store := openOrCreate(t, filepath.Join(root, name), local.Options{Dim: dim, Indexes: indexes[0]})
				if err := store.(index.PayloadIndexer).IndexPayload(t.Context(), indexes[1]); err != nil {
					t.Fatal(err)
				}
				return sealed{store}
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
