package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/disk"
)

func mustRead(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadersNeedNoRightToWrite(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1, 2, 3)
	mustClose(t, s)
	s = mustOpen(t, dir)
	remove(t, s, 2)
	mustClose(t, s)
	if err := os.Remove(filepath.Join(dir, disk.LockName)); err != nil {
		t.Fatal(err)
	}
	// A file that a writer would sweep shows that nothing is written, to the
	// superuser too.
	if err := os.WriteFile(filepath.Join(dir, disk.SegmentName(77)), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	before := files(t, dir)
	a, b := mustRead(t, dir), mustRead(t, dir)
	for _, s := range []*Store{a, b} {
		if got := fmt.Sprint(versions(t, s)); got != "map[1:1 3:1]" {
			t.Errorf("items %s", got)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		mustClose(t, s)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestAReaderRefusesWrites(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1)
	mustClose(t, s)
	s = mustRead(t, dir)
	ctx := t.Context()
	_, deleted := s.Delete(ctx, []index.ID{1})
	for name, err := range map[string]error{
		"upsert":     s.Upsert(ctx, []index.Item{{ID: 2, Vector: []float32{1, 0, 0, 0}}}),
		"delete":     deleted,
		"label":      s.SetLabel(ctx, "a", "b"),
		"begin bulk": s.BeginBulk(ctx),
		"end bulk":   s.EndBulk(ctx, nil),
	} {
		if !errors.Is(err, index.ErrReadOnly) {
			t.Errorf("%s: error %v, want ErrReadOnly", name, err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		t.Errorf("flush: %v, want nil, as nothing was written", err)
	}
	mustClose(t, s)
	if err := s.Upsert(ctx, nil); !errors.Is(err, index.ErrClosed) {
		t.Errorf("after close: error %v, want ErrClosed", err)
	}
}

// A writer flushes, merges and removes files under a reader, which keeps what it
// has opened.
func TestAReaderKeepsWhatAWriterRemoves(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1, 2, 3)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := mustRead(t, dir)
	remove(t, s, 1, 2)
	put(t, s, 2, 9)
	if err := s.Flush(t.Context()); err != nil { // merges the one segment away
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, disk.SegmentName(1))); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the first segment is still there (error %v), the test shows nothing", err)
	}
	if got := fmt.Sprint(versions(t, old)); got != "map[1:1 2:1 3:1]" {
		t.Errorf("the reader has %s, want what it opened", got)
	}
	if err := old.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	now := mustRead(t, dir)
	if got := fmt.Sprint(versions(t, now)); got != "map[3:1 9:2]" {
		t.Errorf("a new reader has %s", got)
	}
	mustClose(t, old)
	mustClose(t, now)
	mustClose(t, s)
}

// A process writes, merges and removes files as fast as it can; every reader
// opens one whole generation.
func TestReadersBesideAWritingProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	mustClose(t, mustCreateStamped(t, dir, 16))
	stop := startWriter(t, dir)
	last := int64(0)
	for range 200 {
		s := mustRead(t, dir)
		g := lastGeneration(s)
		if g < last {
			t.Fatalf("generation %d was opened after %d", g, last)
		}
		for id, version := range versions(t, s) {
			if version > g {
				t.Fatalf("item %d is of generation %d in the snapshot of %d", id, version, g)
			}
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		last = g
	}
	if acknowledged := stop(); last == 0 || acknowledged < last-1 {
		t.Errorf("the readers have seen generation %d, the writer has written %d", last, acknowledged)
	}
}

func TestAMissingFileIsDamageForReadersToo(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1)
	mustClose(t, s)
	if err := os.Remove(filepath.Join(dir, disk.SegmentName(1))); err != nil {
		t.Fatal(err)
	}
	s, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
	if _, err := OpenReadOnly(t.TempDir()); !errors.Is(err, index.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}
