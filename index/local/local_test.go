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
		store, err := local.Open(dir)
		if errors.Is(err, index.ErrNotFound) {
			store, err = local.Create(dir, local.Options{Dim: dim})
		}
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
