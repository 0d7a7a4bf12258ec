package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// A snapshot has what is on disk, in memory and in no file any more, with tokens,
// tombstones, graphs and labels.
func TestASnapshotHasEverything(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.graphRows = 5
	if err := s.SetLabel(t.Context(), "name", "value"); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, 1, 2, 3, 4, 5, 6, 7, 8)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, 10, 11, 12)
	mustFlush(t, s)
	remove(t, s, 3, 11)
	put(t, s, 2, 4, 20)
	dir := filepath.Join(t.TempDir(), "a", "copy")
	if err := s.Snapshot(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want := versions(t, s)
	put(t, s, 3, 1, 30)
	mustClose(t, s)

	copied := mustOpen(t, dir)
	defer mustClose(t, copied)
	if err := copied.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, versions(t, copied)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	checkLabels(t, copied, map[string]string{"name": "value"})
	graphs, err := copied.Graphs(t.Context())
	if err != nil || len(graphs) != 1 {
		t.Errorf("%d graphs, want 1, error %v", len(graphs), err)
	}
}

// A reader makes a snapshot with what its writer has logged.
func TestASnapshotByAReader(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	mustLog(t, s, Logged)
	put(t, s, 1, 1, 2)
	mustFlush(t, s)
	put(t, s, 2, 2, 3)
	reader, err := OpenReadOnly(s.folder.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, reader)
	dir := filepath.Join(t.TempDir(), "copy")
	if err := reader.Snapshot(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	copied := mustOpen(t, dir)
	defer mustClose(t, copied)
	if diff := cmp.Diff(versions(t, s), versions(t, copied)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if err := reader.Snapshot(t.Context(), dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into a folder with an index: error %v, want ErrExist", err)
	}
}

// Where a snapshot fails, nothing of it is left.
func TestASnapshotThatFailsLeavesNothing(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	put(t, s, 1, 1, 2)
	mustFlush(t, s)
	put(t, s, 1, 3)
	own := s.folder.FS
	for operations := 0; ; operations++ {
		top := t.TempDir()
		dir := filepath.Join(top, "new", "copy")
		if operations%2 == 0 {
			dir = top // is there, and stays
		}
		s.folder.FS = &diskWith{operations: operations}
		err := s.Snapshot(t.Context(), dir)
		s.folder.FS = own
		if err == nil {
			break
		}
		if left, e := os.ReadDir(top); e != nil || len(left) > 0 {
			t.Fatalf("%d operations: %v; it left %v, error %v, want an empty folder", operations, err, left, e)
		}
	}
}

// Snapshots are made while calls of five items are written, flushed and merged: each
// snapshot has the items of some number of whole calls.
func TestSnapshotsWhileWritesGoOn(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	s.memoryLimit = 4000
	mustLog(t, s, Logged)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for v := int64(1); ; v++ {
			select {
			case <-stop:
				return
			default:
			}
			items := version(v, 1, 2, 3, 4, 5)
			for i := range items {
				if v%2 == 0 {
					items[i].ID += 1000 * index.ID(v%40)
				}
			}
			if err := s.Upsert(t.Context(), items); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 10 {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := s.Snapshot(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		copied := mustOpen(t, dir)
		if err := copied.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		got := versions(t, copied)
		for id, v := range got {
			if base := id - id%1000; got[base+1] != v {
				t.Fatalf("item %d has version %d and item %d version %d", id, v, base+1, got[base+1])
			}
		}
		mustClose(t, copied)
	}
	close(stop)
	writer.Wait()
	mustClose(t, s)
}

// Of two snapshots into one folder at once, one is made and the other leaves it alone.
func TestTwoSnapshotsIntoOneFolder(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	defer mustClose(t, s)
	put(t, s, 1, 1, 2, 3)
	mustFlush(t, s)
	put(t, s, 2, 3, 4)
	dir, own := filepath.Join(t.TempDir(), "copy"), s.folder.FS
	var second error
	s.folder.FS = onCreate(func(path string) error {
		if filepath.Dir(path) == dir && second == nil { // the first one has begun to write
			second = s.Snapshot(t.Context(), dir)
		}
		return nil
	})
	err := s.Snapshot(t.Context(), dir)
	s.folder.FS = own
	if err != nil || second == nil {
		t.Fatalf("the first one: %v, the second one: %v, wanted the first one alone to be made", err, second)
	}
	copied := mustOpen(t, dir)
	defer mustClose(t, copied)
	if diff := cmp.Diff(versions(t, s), versions(t, copied)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	// Before the first one has written anything, its lock tells.
	dir = filepath.Join(t.TempDir(), "other")
	_, lock, err := disk.Claim(vfs.OS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshot(t.Context(), dir); !errors.Is(err, index.ErrLocked) {
		t.Errorf("into a folder whose lock is held: %v, want ErrLocked", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
