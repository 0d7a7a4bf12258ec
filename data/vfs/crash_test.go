package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
)

// seeds is how many states are looked at for each moment of a crash.
const seeds = 8

// crashes calls check with the folders that power losses before each operation
// of a call may leave, and with those after it, when it has returned.
func crashes(t *testing.T, fsys *crashfs.FS, call func() error, check func(dir string, returned bool)) {
	t.Helper()
	step := uint64(0)
	crash := func(returned bool) {
		step++
		for seed := range uint64(seeds) {
			dir := t.TempDir()
			if err := fsys.Crash(dir, rand.New(rand.NewPCG(seed, step))); err != nil {
				t.Fatal(err)
			}
			check(dir, returned)
		}
	}
	fsys.Before(func(crashfs.Op, string) error { crash(false); return nil })
	err := call()
	fsys.Before(nil)
	if err != nil {
		t.Fatal(err)
	}
	crash(true)
}

// fill writes text in pieces that each reach the file.
func fill(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		for piece := range strings.SplitAfterSeq(text, "|") {
			if _, err := io.WriteString(w, piece+strings.Repeat(" ", 1<<16)); err != nil {
				return err
			}
		}
		return nil
	}
}

// After a crash a file has the old content or the new one, and after WriteFile
// has returned, the new one.
func TestWriteFileSurvivesACrash(t *testing.T) {
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.bin")
	texts := []string{"", "first", "a|second|one", "third"}
	seen := map[string]int{}
	for i, text := range texts[1:] {
		old := texts[i]
		crashes(t, fsys, func() error { return vfs.WriteFileFS(fsys, path, fill(text)) }, func(dir string, returned bool) {
			content, err := os.ReadFile(filepath.Join(dir, "a.bin"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(string(content), " ", "")
			if got != text && (returned || got != old) {
				t.Errorf("writing %q over %q, returned %v: after a crash the file has %d bytes: %.40q", text, old, returned, len(content), got)
			}
			seen[got]++
		})
	}
	for _, text := range texts {
		if seen[text] == 0 {
			t.Errorf("no crash has left %q", text)
		}
	}
}

// After MkdirAll has returned, the folder survives, also where a process that was
// killed has made some of it.
func TestMkdirAllSurvivesACrash(t *testing.T) {
	for _, made := range []string{"", "a", "a/b", "a/b/c"} {
		dir := t.TempDir()
		fsys, err := crashfs.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		if made != "" {
			killed := errors.New("killed")
			fsys.Before(func(op crashfs.Op, path string) error {
				if op == crashfs.SyncDir && path == filepath.Dir(filepath.Join(dir, made)) {
					return killed
				}
				return nil
			})
			if err := vfs.MkdirAllFS(fsys, filepath.Join(dir, made), 0o777); !errors.Is(err, killed) {
				t.Fatal(err)
			}
		}
		crashes(t, fsys, func() error { return vfs.MkdirAllFS(fsys, filepath.Join(dir, "a", "b", "c"), 0o777) },
			func(dir string, returned bool) {
				if info, err := os.Stat(filepath.Join(dir, "a", "b", "c")); returned && (err != nil || !info.IsDir()) {
					t.Errorf("%q was there: the folder is gone after a crash: %v", made, err)
				}
			})
	}
}

func TestRemoveAllRemovesEverything(t *testing.T) {
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	top := filepath.Join(dir, "a")
	if err := vfs.MkdirAllFS(fsys, filepath.Join(top, "b", "c"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFileFS(fsys, filepath.Join(top, "b", "file"), fill("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is missing
		if err := vfs.RemoveAllFS(fsys, top); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder has %v, %v, want nothing", entries, err)
	}
}

func TestMkdirAllRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var failed *fs.PathError
	for _, p := range []string{path, filepath.Join(path, "b")} {
		if err := vfs.MkdirAll(p, 0o777); !errors.As(err, &failed) {
			t.Errorf("%s: error %v, want that it is no folder", p, err)
		}
	}
}
