package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/disk"
)

// onDisk returns the versions of the items that a crash would leave.
func onDisk(t *testing.T, s *Store) map[index.ID]int64 {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(s.folder.Path)); err != nil {
		t.Fatal(err)
	}
	left := mustOpen(t, dir)
	defer mustClose(t, left)
	return versions(t, left)
}

// What is written to the store while a flush is under way is seen at once, and
// durable after the next flush; the one under way makes durable what was there
// when it began, whether it succeeds at first or not.
func TestTheStoreIsWrittenToWhileItIsFlushed(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s := mustCreate(t, t.TempDir(), 4)
		put(t, s, 1, 1, 2, 3, 4, 5)
		mustFlush(t, s)
		put(t, s, 1, 6, 7, 8, 9)
		remove(t, s, 1)
		before := versions(t, s)

		create := s.folder.Create
		s.folder.Create = func(path string) (disk.File, error) {
			if strings.HasSuffix(path, ".seg.tmp") {
				put(t, s, 2, 2, 6, 20)
				remove(t, s, 3, 7, 8)
				put(t, s, 3, 8)
			}
			if fails && strings.HasSuffix(path, "manifest.tmp") {
				return nil, syscall.ENOSPC
			}
			return create(path)
		}
		if err := s.Flush(t.Context()); fails != errors.Is(err, syscall.ENOSPC) || !fails && err != nil {
			t.Fatalf("flush with a full disk %v: %v", fails, err)
		}
		s.folder.Create = create
		want := map[index.ID]int64{2: 2, 4: 1, 5: 1, 6: 2, 8: 3, 9: 1, 20: 2}
		if diff := cmp.Diff(want, versions(t, s)); diff != "" {
			t.Errorf("full disk %v: items in the store (-want +got):\n%s", fails, diff)
		}
		if fails {
			before = map[index.ID]int64{1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
		}
		if diff := cmp.Diff(before, onDisk(t, s)); diff != "" {
			t.Errorf("full disk %v: items on disk after the flush (-want +got):\n%s", fails, diff)
		}
		mustFlush(t, s)
		if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
			t.Errorf("full disk %v: items on disk after the next flush (-want +got):\n%s", fails, diff)
		}
		remove(t, s, 2, 4, 5, 6)
		mustFlush(t, s)
		for _, id := range []index.ID{2, 4, 5, 6} {
			delete(want, id)
		}
		if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
			t.Errorf("full disk %v: items on disk after deletes (-want +got):\n%s", fails, diff)
		}
		mustClose(t, s)
	}
}

// A row in memory that is being written can die with all the others of its
// segment before it is on disk.
func TestAllThatIsBeingFlushedIsDeleted(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	put(t, s, 1, 1, 2, 3)
	create := s.folder.Create
	s.folder.Create = func(path string) (disk.File, error) {
		if strings.HasSuffix(path, ".seg.tmp") {
			remove(t, s, 1, 2, 3)
		}
		return create(path)
	}
	mustFlush(t, s)
	s.folder.Create = create
	if left := versions(t, s); len(left) != 0 {
		t.Errorf("items %v are left", left)
	}
	mustFlush(t, s)
	if n, _ := segmentFiles(t, s); n != 0 || len(onDisk(t, s)) != 0 {
		t.Errorf("%d segments are left, with items %v", n, onDisk(t, s))
	}
}
