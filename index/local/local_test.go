package local_test

import (
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
