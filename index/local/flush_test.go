package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs"
	"engram/index"
)

// onCreate is the operating system's file system, which calls a function before
// it opens a file for writing.
func onCreate(before func(path string) error) vfs.FS { return watched{before: before} }

type watched struct {
	vfs.OS
	before func(path string) error
}

func (w watched) OpenFile(path string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := w.before(path); err != nil {
		return nil, err
	}
	return w.OS.OpenFile(path, flag, perm)
}

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

		s.folder.FS = onCreate(func(path string) error {
			if strings.HasSuffix(path, ".seg.tmp") {
				put(t, s, 2, 2, 6, 20)
				remove(t, s, 3, 7, 8)
				put(t, s, 3, 8)
			}
			if fails && strings.HasSuffix(path, "manifest.tmp") {
				return syscall.ENOSPC
			}
			return nil
		})
		if err := s.Flush(t.Context()); fails != errors.Is(err, syscall.ENOSPC) || !fails && err != nil {
			t.Fatalf("flush with a full disk %v: %v", fails, err)
		}
		s.folder.FS = vfs.OS{}
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
	s.folder.FS = onCreate(func(path string) error {
		if strings.HasSuffix(path, ".seg.tmp") {
			remove(t, s, 1, 2, 3)
		}
		return nil
	})
	mustFlush(t, s)
	s.folder.FS = vfs.OS{}
	if left := versions(t, s); len(left) != 0 {
		t.Errorf("items %v are left", left)
	}
	mustFlush(t, s)
	if n, _ := segmentFiles(t, s); n != 0 || len(onDisk(t, s)) != 0 {
		t.Errorf("%d segments are left, with items %v", n, onDisk(t, s))
	}
}
