package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/index/local"
)

func TestSnapshotAndDrop(t *testing.T) {
	c := newCLI(t)
	name, copied := filepath.Join(t.TempDir(), "photos.index"), filepath.Join(t.TempDir(), "copy.index")
	c.must("index", "build", writePhotos(t), "--out", name)
	verify := func(name string) string {
		checks := c.must("index", "verify", name)
		return checks[:strings.LastIndex(checks, "; ")] // the time it took follows
	}
	want := verify(name)
	if got := c.must("index", "snapshot", name, "--out", copied); got != copied+": 16 items as they were in "+name+"\n" {
		t.Errorf("snapshot prints %q", got)
	}
	if got := verify(copied); strings.ReplaceAll(got, copied, name) != want {
		t.Errorf("verify of the copy prints\n%s\nof the index\n%s", got, want)
	}
	c.refuse([]string{copied, "already has an index"}, "index", "snapshot", name, "--out", copied)
	c.refuse([]string{name, "needs --out"}, "index", "snapshot", name)
	c.refuse([]string{"into a folder", "engram index copy"}, "index", "snapshot", name, "--out", "qdrant://localhost:1/photos")

	for _, answer := range []string{"", "no\n", "y\n"} {
		c.in = answer
		stdout, stderr, status := c.run("index", "drop", copied)
		if status != 0 || stdout != copied+": left as it is\n" || !strings.Contains(stderr, "16 items") {
			t.Errorf("answer %q: status %d, stdout %q, stderr %q", answer, status, stdout, stderr)
		}
	}
	c.must("index", "info", copied)
	c.in = "yes\n"
	if got := c.must("index", "drop", copied); got != copied+": deleted\n" {
		t.Errorf("drop prints %q", got)
	}
	writer, err := local.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{name}, "index", "drop", name, "--yes")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(name, "notes.txt")
	if err := os.WriteFile(other, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	c.must("index", "drop", name, "--yes")
	if left, _ := filepath.Glob(filepath.Join(name, "*")); len(left) != 1 || left[0] != other {
		t.Errorf("drop leaves %v, want the file that is not the index's", left)
	}
	if _, err := os.Stat(copied); !os.IsNotExist(err) {
		t.Errorf("the folder %s is still there, error %v", copied, err)
	}
	c.refuse([]string{copied}, "index", "drop", copied, "--yes")
}

// A damaged index can be dropped.
func TestDropOfADamagedIndex(t *testing.T) {
	c, name := newCLI(t), filepath.Join(t.TempDir(), "index")
	store, err := local.Create(name, local.Options{Dim: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(name, "manifest"), []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(name, local.DamagedFolder)
	if err := errors.Join(os.Mkdir(kept, 0o777), os.WriteFile(filepath.Join(kept, "1.seg"), nil, 0o666)); err != nil { // by a repair
		t.Fatal(err)
	}
	c.must("index", "drop", name, "--yes")
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("%s is still there, error %v", name, err)
	}
}

func TestSnapshotAndDropOfACollection(t *testing.T) {
	onServers(t, func(t *testing.T, c *cli, collection func(string) string) {
		name := collection("photos")
		c.must("index", "build", writePhotos(t), "--out", name, "--payload-index", "folder=keyword")
		if got := c.must("index", "info", name); !strings.Contains(got, "index of the payload key folder (keyword)") {
			t.Errorf("info prints %q", got)
		}
		if got := c.must("index", "snapshot", name); !strings.HasPrefix(got, name+": the server keeps the snapshot ") {
			t.Errorf("snapshot prints %q", got)
		}
		c.refuse([]string{name, "keeps snapshots itself"}, "index", "snapshot", name, "--out", t.TempDir())
		c.must("index", "drop", name, "--yes")
		if _, _, status := c.run("index", "info", name); status != 1 {
			t.Errorf("info of a dropped collection: status %d, want 1", status)
		}
	})
}
