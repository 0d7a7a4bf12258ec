package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
)

func TestPartsAreJoined(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	place, dir := t.TempDir(), t.TempDir()
	writeLAION(t, place, 5)
	whole, joined := filepath.Join(dir, "whole"), filepath.Join(dir, "joined")
	c.must("index", "build", place, "--out", whole)
	part := func(n string) string { return filepath.Join(dir, "part"+n) }
	c.must("index", "build", place, "--out", part("1"), "--part", "1/2")
	c.refuse([]string{part("1"), "is part 1/2, and there are 1 to join"}, "index", "join", part("1"), "--out", joined)
	c.refuse([]string{"wanted different parts, found " + part("1") + " twice"}, "index", "join", part("1"), part("1"), "--out", joined)
	c.refuse([]string{"is a whole index and no part of one"}, "index", "join", part("1"), whole, "--out", joined)
	c.must("index", "build", place, "--out", part("2"), "--part", "2/2")
	if n, m := len(items(t, part("1"))), len(items(t, part("2"))); n != 12 || m != 8 {
		t.Errorf("the parts have %d and %d items, want 12 and 8", n, m)
	}
	twin := filepath.Join(dir, "twin")
	if err := os.CopyFS(twin, os.DirFS(part("1"))); err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{part("1") + " and " + twin + " are both part 1/2"}, "index", "join", part("1"), twin, "--out", joined)
	if _, err := os.Stat(joined); !os.IsNotExist(err) {
		t.Errorf("refused joins left %s (%v)", joined, err)
	}
	if out := c.must("index", "join", part("2"), part("1"), "--out", joined); out != "20 items of 2 parts\n" {
		t.Errorf("join prints %q", out)
	}
	if diff := cmp.Diff(items(t, whole), items(t, joined)); diff != "" {
		t.Errorf("the joined index differs from a whole one (-want +got):\n%s", diff)
	}
	c.refuse([]string{"is that of a finished build"}, "index", "join", part("2"), part("1"), "--out", joined)
	var r ingest.Report
	c.json(&r, "index", "build", place, "--out", joined)
	if r.Skipped != 5 || r.Unchanged != 20 || r.Stored != 0 {
		t.Errorf("a build after the join: %+v, want all five shards skipped", r)
	}
	// An index that a join was broken off at before it had an origin goes on too.
	early := filepath.Join(dir, "early")
	empty, err := local.Create(early, local.Options{Dim: 3})
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.must("index", "join", part("1"), part("2"), "--out", early)
	if diff := cmp.Diff(items(t, whole), items(t, early)); diff != "" {
		t.Errorf("the index that was there differs from a whole one (-want +got):\n%s", diff)
	}
	c.must("index", "verify", early)
	if origin, err := originOf(t, early); err != nil || origin.String() != place {
		t.Errorf("its origin is %s, error %v; want %s", origin, err, place)
	}
	// What became of it since is left alone.
	store, err := local.Open(joined)
	if err != nil {
		t.Fatal(err)
	}
	for id := range items(t, whole) {
		if _, err := store.Delete(t.Context(), []index.ID{id}); err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{"is that of a finished build"}, "index", "join", part("1"), part("2"), "--out", joined)
	if n := len(items(t, joined)); n != 19 {
		t.Errorf("after a join that was refused the index has %d items, want 19", n)
	}

	// A part that has seen another list of shards does not fit the other.
	writeLAION(t, filepath.Join(dir, "more"), 6)
	for _, name := range []string{"img_emb/img_emb_0005.npy", "metadata/metadata_0005.parquet"} {
		if err := os.Rename(filepath.Join(dir, "more", name), filepath.Join(place, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.must("index", "build", place, "--out", part("2"), "--part", "2/2")
	c.refuse([]string{part("2") + " was built from other shards than " + part("1")}, "index", "join", part("1"), part("2"), "--out", filepath.Join(dir, "other"))
	c.must("index", "build", filepath.Join(dir, "more"), "--out", part("3"), "--part", "2/2")
	c.refuse([]string{"they are not parts of one index"}, "index", "join", part("1"), part("3"), "--out", filepath.Join(dir, "other"))
}
