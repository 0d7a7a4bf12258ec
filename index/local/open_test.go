package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
	"engram/index/internal/disk"
)

func TestOnlyOneOpensAnIndex(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	if _, err := Open(dir); !errors.Is(err, index.ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, dir))
}

func TestCreateAndOpenRefuseOtherFolders(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.tex"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	lost := t.TempDir() // an index that has lost its manifest
	if err := os.WriteFile(filepath.Join(lost, disk.SegmentName(1)), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	mustClose(t, mustCreate(t, taken, 4))
	for name, c := range map[string]struct {
		dir  string
		dim  int
		want error
	}{
		"another's files": {full, 4, os.ErrExist},
		"an index":        {taken, 4, os.ErrExist},
		"only segments":   {lost, 4, os.ErrExist},
		"dimension 0":     {t.TempDir(), 0, index.ErrDimension},
		"dimension 65537": {t.TempDir(), 65537, index.ErrDimension},
	} {
		before := files(t, c.dir)
		if _, err := Create(c.dir, Options{Dim: c.dim}); !errors.Is(err, c.want) {
			t.Errorf("create, %s: error %v, want %v", name, err, c.want)
		}
		if diff := cmp.Diff(before, files(t, c.dir)); diff != "" {
			t.Errorf("create, %s: files (-before +after):\n%s", name, diff)
		}
	}
	for _, dir := range []string{full, t.TempDir(), filepath.Join(full, "missing"), filepath.Join(full, "thesis.tex")} {
		if _, err := Open(dir); !errors.Is(err, index.ErrNotFound) {
			t.Errorf("open %s: error %v, want ErrNotFound", dir, err)
		}
	}
	if n := len(files(t, full)); n != 1 {
		t.Errorf("open left files behind: %d", n)
	}
	interrupted := t.TempDir() // by the end of a process during Create
	for _, name := range []string{disk.LockName, "manifest.tmp"} {
		if err := os.WriteFile(filepath.Join(interrupted, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, mustCreate(t, interrupted, 4))
	missing := filepath.Join(t.TempDir(), "a", "b")
	mustClose(t, mustCreate(t, missing, 4))
}

func TestTheModelIsRecorded(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, Options{Dim: 2, Space: space.Space{Name: "clip 1", Fingerprint: "fingerprint"}})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	got, err := s.Info(t.Context())
	want := index.Info{Engine: "local", Dim: 2, Space: space.Space{Name: "clip 1", Fingerprint: "fingerprint"}}
	if err != nil || got != want {
		t.Errorf("info %+v, error %v; want %+v", got, err, want)
	}
	if err := got.CheckSpace(space.Space{Name: "clip 2", Fingerprint: "other"}); !errors.Is(err, index.ErrModel) {
		t.Errorf("another model: error %v, want ErrModel", err)
	}
}

func TestFilesLeftBehindAreSweptAndOthersAreNot(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	put(t, s, 1, 1)
	mustClose(t, s)
	want := files(t, dir)
	want["notes.txt"] = 0
	for _, name := range []string{"notes.txt", "manifest.tmp", disk.SegmentName(77), disk.TombstonesName(78), disk.SegmentName(79) + ".tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(versions(t, s)); got != "map[1:1]" {
		t.Errorf("items %s", got)
	}
}
