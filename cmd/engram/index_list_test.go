package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/space"
	"engram/index"
	"engram/index/local"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestListOfIndexes(t *testing.T) {
	c, folder := newCLI(t), t.TempDir()
	if got := c.must("index", "list", folder); got != folder+": no index\n" {
		t.Errorf("list of an empty folder prints %q", got)
	}
	for _, name := range []string{"a", "b"} {
		store, err := local.Create(filepath.Join(folder, name), local.Options{Dim: 2, Space: space.Space{Name: "model " + name, Fingerprint: name}})
		if err == nil {
			err = store.Upsert(t.Context(), []index.Item{{ID: 1, Vector: []float32{1, 2}}})
		}
		if err == nil {
			err = store.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "b", "manifest"), []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "other"), 0o777); err != nil {
		t.Fatal(err)
	}
	var list []app.ListedIndex
	c.json(&list, "index", "list", folder)
	want := []app.ListedIndex{{Index: filepath.Join(folder, "a"), Model: "model a", Dim: 2, Items: 1}, {Index: filepath.Join(folder, "b")}}
	if diff := cmp.Diff(want, list, cmpopts.IgnoreFields(app.ListedIndex{}, "Bytes", "Damage")); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if len(list) == 2 && (list[0].Bytes < 100 || list[0].Damage != "" || !strings.Contains(list[1].Damage, "manifest")) {
		t.Errorf("list %+v", list)
	}
	list = nil
	if c.json(&list, "index", "list", filepath.Join(folder, "a")); len(list) != 1 {
		t.Errorf("list of an index itself: %+v", list)
	}
	c.refuse([]string{"no-such-folder"}, "index", "list", "no-such-folder")
	c.refuse([]string{"wanted a folder"}, "index", "list", "qdrant://localhost:1/x")
}
