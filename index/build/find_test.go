package build_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/build"
)

func TestFind(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "sub/b.jpg": "bb", "sub/c.png": "cc", "d.png": "dd", "other/e.jpg": "ee"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	items := slices.Collect(maps.Values(contents(t, to)))
	writeFiles(t, root, map[string]string{"d.png": "changed"})
	if err := os.Remove(filepath.Join(root, "sub", "c.png")); err != nil {
		t.Fatal(err)
	}
	shards, err := build.Folder{Root: root}.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for found, err := range build.Find(t.Context(), shards, items) {
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
	for range build.Find(t.Context(), shards, one) {
		n++
	}
	if n != 1 {
		t.Errorf("found %d rows, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range build.Find(ctx, shards, one) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
}

// What a manifest has of bad rows and damaged shards, it gives back, after it
// was opened again as well.
func TestManifestListsWhatIsBad(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a/1.jpg": "unreadable", "a/2.jpg": "good", "b/1.jpg": "good", "b/2.jpg": "black"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	names := func() []string {
		t.Helper()
		bad, err := to.manifest.Bad()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range bad {
			names = append(names, fmt.Sprint(b.Row, " ", b.Name))
		}
		return names
	}
	if got, want := names(), []string{"0 a/1.jpg", "1 b/2.jpg"}; !slices.Equal(got, want) {
		t.Errorf("bad are %q, want %q", got, want)
	}
	// A shard that changes is begun anew, and what was bad of it forgotten.
	writeFiles(t, root, map[string]string{"a/1.jpg": "mended now"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	if got, want := names(), []string{"1 b/2.jpg"}; !slices.Equal(got, want) {
		t.Errorf("bad are %q, want %q", got, want)
	}
}
