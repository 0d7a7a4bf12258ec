package local

import (
	"context"
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
	"engram/index/internal/disk"
)

// files returns the names and sizes of the files of a folder.
func files(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		sizes[e.Name()] = info.Size()
	}
	return sizes
}

// diskWith fails with ENOSPC after a number of operations on files: creating,
// writing, syncing and closing each are one. A write that fails has written
// half of its bytes.
type diskWith struct {
	vfs.OS
	operations int
}

func (d *diskWith) use() error {
	if d.operations--; d.operations < 0 {
		return syscall.ENOSPC
	}
	return nil
}

type faultyFile struct {
	vfs.File
	disk *diskWith
}

func (d *diskWith) OpenFile(path string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := d.use(); err != nil {
		return nil, err
	}
	f, err := d.OS.OpenFile(path, flag, perm)
	return faultyFile{f, d}, err
}

func (f faultyFile) Write(b []byte) (int, error) {
	if err := f.disk.use(); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	return f.File.Write(b)
}

func (f faultyFile) Sync() error {
	if err := f.disk.use(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f faultyFile) Close() error { return errors.Join(f.disk.use(), f.File.Close()) }

// A flush is stopped at each of its operations in turn. The folder must stay
// as it was, the store must lose nothing, and a flush with room must do.
func TestAFullDiskLeavesTheOldState(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1, 2, 3, 4, 5, 6)
	mustFlush(t, s)
	old := versions(t, s)
	remove(t, s, 2)
	put(t, s, 2, 3, 9)
	want := versions(t, s)

	failures := 0
	for ; ; failures++ {
		before := files(t, dir)
		s.folder.FS = &diskWith{operations: failures}
		err := s.Flush(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("after %d operations: error %v, want ENOSPC", failures, err)
		}
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Fatalf("after %d operations: files (-before +after):\n%s", failures, diff)
		}
		if diff := cmp.Diff(want, versions(t, s)); diff != "" {
			t.Fatalf("after %d operations: the open store (-want +got):\n%s", failures, diff)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		crashed := mustOpen(t, copied)
		if diff := cmp.Diff(old, versions(t, crashed)); diff != "" {
			t.Fatalf("after %d operations: reopened (-want +got):\n%s", failures, diff)
		}
		mustClose(t, crashed)
	}
	// Segment, tombstones and manifest: create, write, sync and close each.
	if failures != 12 {
		t.Errorf("a flush had %d operations, want 12", failures)
	}
	s.folder.FS = vfs.OS{}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if diff := cmp.Diff(want, versions(t, s)); diff != "" {
		t.Errorf("after a flush with room (-want +got):\n%s", diff)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskRefusesAnUpsertPastTheMemoryLimit(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	s.memoryLimit = 1000
	for id := range index.ID(20) {
		put(t, s, 1, id)
	}
	join(s)
	if n := len(files(t, dir)); n < 3 {
		t.Fatalf("%d files: past the limit rows should be on disk", n)
	}
	put(t, s, 1, 20)
	join(s)
	s.folder.FS = &diskWith{}
	s.writer.Lock() // the flush that has ended still looks whether another one is due
	s.memoryLimit = 0
	s.writer.Unlock()
	put(t, s, 1, 21) // begins a flush, which fails
	join(s)
	before := versions(t, s)
	for id := index.ID(22); id < 24; id++ {
		err := s.Upsert(t.Context(), []index.Item{{ID: id, Vector: []float32{1, 0, 0, 0}}})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error %v, want ENOSPC", err)
		}
	}
	_, err := s.Delete(t.Context(), []index.ID{1, 2})
	if flushed := s.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) || !errors.Is(flushed, syscall.ENOSPC) {
		t.Errorf("a delete: error %v, a flush: error %v, want ENOSPC", err, flushed)
	}
	if !strings.Contains(err.Error(), dir+" is full") || !strings.Contains(err.Error(), "make room beside the index") {
		t.Errorf("a delete: error %v, want the way out", err)
	}
	if diff := cmp.Diff(before, versions(t, s)); diff != "" {
		t.Errorf("the refused upserts changed the store (-want +got):\n%s", diff)
	}
	s.folder.FS = vfs.OS{}
	put(t, s, 1, 22) // flushes by itself
	before[22] = 1
	if size, _, _ := s.pressure(); s.failed || size == 0 {
		t.Errorf("with room the last flush has failed: %v, and %d bytes are left to flush, want one row", s.failed, size)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if diff := cmp.Diff(before, versions(t, s)); diff != "" {
		t.Errorf("reopened (-want +got):\n%s", diff)
	}
}

func TestCloseReportsAFlushThatFailsAndUnlocks(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1)
	s.folder.FS = &diskWith{}
	if err := s.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ENOSPC", err)
	}
	mustClose(t, mustOpen(t, dir))
}

func TestAFlushThatIsCancelledChangesNothing(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	put(t, s, 1, 1)
	before := files(t, s.folder.Path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if diff := cmp.Diff(before, files(t, s.folder.Path)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// What is damaged on disk is found when it is opened, read or verified.
func TestDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1, 2, 3)
	mustFlush(t, s)
	s.graphRows = 3
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	remove(t, s, 2)
	mustFlush(t, s)
	mustClose(t, s)
	for name, size := range files(t, dir) {
		if name == disk.LockName {
			continue
		}
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{0, size / 3, size / 2, size - 1} {
			damaged := append([]byte(nil), content...)
			damaged[at] ^= 0x10
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := openAndVerify(t, dir); !errors.Is(err, index.ErrCorrupt) {
				t.Errorf("%s, byte %d of %d: error %v, want ErrCorrupt", name, at, size, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		want := index.ErrCorrupt
		if name == disk.ManifestName {
			want = index.ErrNotFound
		}
		if err := openAndVerify(t, dir); !errors.Is(err, want) {
			t.Errorf("%s missing: error %v, want %v", name, err, want)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := openAndVerify(t, dir); err != nil {
		t.Errorf("restored: %v", err)
	}
}

func openAndVerify(t *testing.T, dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(s.Verify(t.Context()), s.Close())
}

// A damaged segment is not merged: its rows would get fresh checksums.
func TestDamageIsNotLaundered(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1, 2, 3, 4)
	mustFlush(t, s)
	path := filepath.Join(dir, disk.SegmentName(1))
	// The padding of the last section, just before the checksums.
	spoil(t, path, files(t, dir)[disk.SegmentName(1)]/4096*4096-1)
	remove(t, s, 1, 2, 3) // two in five are dead, so due for merging
	mustFlush(t, s)
	if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt: the damage is still known", err)
	}
	mustClose(t, s)
}

// spoil changes a byte of a file.
func spoil(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 1
	_, err2 := f.WriteAt(b, at)
	if err := errors.Join(err, err2, f.Close()); err != nil {
		t.Fatal(err)
	}
}
