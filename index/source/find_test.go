package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/source"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "sub/b.jpg": "bb", "sub/c.png": "cc", "d.png": "dd", "other/e.jpg": "ee"})
	rows, _ := rowsOf(t, source.Folder{Root: root})
	var items []index.Item
	for _, row := range rows {
		items = append(items, index.Item{ID: row.ID, Payload: row.Payload})
	}
	writeFiles(t, root, map[string]string{"d.png": "changed"})
	if err := os.Remove(filepath.Join(root, "sub", "c.png")); err != nil {
		t.Fatal(err)
	}
	shards, err := source.Folder{Root: root}.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for found, err := range source.Find(t.Context(), shards, items) {
		if err != nil {
			t.Fatal(err)
		}
		path := items[found.Item].Payload["path"].(string)
		file, err := found.Row.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		got[path] = fmt.Sprint(string(text), " ", found.Changed)
	}
	want := map[string]string{"a.jpg": "aa false", "sub/b.jpg": "bb false", "d.png": "changed true", "other/e.jpg": "ee false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}

	// Only the shards of the items are read.
	for i := range shards {
		if shards[i].Name != "sub" {
			shards[i].Read = nil
		}
	}
	one := slices.DeleteFunc(items, func(item index.Item) bool { return item.Payload["path"] != "sub/b.jpg" })
	n := 0
	for range source.Find(t.Context(), shards, one) {
		n++
	}
	if n != 1 {
		t.Errorf("found %d rows, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range source.Find(ctx, shards, one) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
}
