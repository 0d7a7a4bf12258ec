package crashfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs/crashfs"
)

func newFS(t *testing.T) (*crashfs.FS, string) {
	t.Helper()
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fsys, dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// write writes content to a file and syncs it.
func write(t *testing.T, fsys *crashfs.FS, path, content string) {
	t.Helper()
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	must(t, err)
	_, err = io.WriteString(f, content)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

// tree describes the files in a folder: "a=content b/c=content d/".
func tree(t *testing.T, dir string) string {
	t.Helper()
	var files []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			files = append(files, name+"/")
			return nil
		}
		content, err := os.ReadFile(path)
		files = append(files, fmt.Sprintf("%s=%s", name, content))
		return err
	}))
	return strings.Join(files, " ")
}

// outcomes returns what many crashes leave.
func outcomes(t *testing.T, fsys *crashfs.FS) map[string]bool {
	t.Helper()
	left := map[string]bool{}
	for seed := range uint64(60) {
		into := t.TempDir()
		must(t, fsys.Crash(into, rand.New(rand.NewPCG(seed, 0))))
		left[tree(t, into)] = true
	}
	return left
}

func expect(t *testing.T, fsys *crashfs.FS, want ...string) {
	t.Helper()
	all := map[string]bool{}
	for _, w := range want {
		all[w] = true
	}
	if diff := cmp.Diff(all, outcomes(t, fsys)); diff != "" {
		t.Errorf("states after crashes (-want +got):\n%s", diff)
	}
}

func TestWhatIsSyncedSurvives(t *testing.T) {
	fsys, dir := newFS(t)
	write(t, fsys, filepath.Join(dir, "a"), "old")
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o777), fsys.SyncDir(dir))
	write(t, fsys, filepath.Join(dir, "d", "b"), "b")
	must(t, fsys.SyncDir(filepath.Join(dir, "d")))
	expect(t, fsys, "a=old d/ d/b=b")
}

func TestWritesThatAreNotSyncedAreLostKeptOrTorn(t *testing.T) {
	fsys, dir := newFS(t)
	path := filepath.Join(dir, "a")
	write(t, fsys, path, "old")
	must(t, fsys.SyncDir(dir))
	f, err := fsys.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte("XY"), 3)
	must(t, err)
	expect(t, fsys, "a=old", "a=oldXY", "a=oldX", "a=old\x00\x00")
	must(t, f.Truncate(1))
	if got := tree(t, dir); got != "a=o" {
		t.Errorf("the folder has %q", got)
	}
	must(t, f.Sync())
	expect(t, fsys, "a=o")
}

func TestTheNameOfAFileIsNotDurableWithItsContent(t *testing.T) {
	fsys, dir := newFS(t)
	write(t, fsys, filepath.Join(dir, "a"), "new")
	expect(t, fsys, "", "a=new")
}

func TestAFolderWithoutADurableNameIsLostWithItsFiles(t *testing.T) {
	fsys, dir := newFS(t)
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o777))
	write(t, fsys, filepath.Join(dir, "d", "a"), "a")
	must(t, fsys.SyncDir(filepath.Join(dir, "d")))
	expect(t, fsys, "", "d/ d/a=a")
}

func TestARenameIsOneChange(t *testing.T) {
	fsys, dir := newFS(t)
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o777))
	for _, name := range []string{"a", "b", "d/c"} {
		write(t, fsys, filepath.Join(dir, name), name)
	}
	must(t, fsys.SyncDir(dir), fsys.SyncDir(filepath.Join(dir, "d")))
	must(t, fsys.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "a")))
	expect(t, fsys, "a=a b=b d/ d/c=d/c", "a=b d/ d/c=d/c")
	must(t, fsys.SyncDir(dir))
	must(t, fsys.Rename(filepath.Join(dir, "d", "c"), filepath.Join(dir, "a")))
	expect(t, fsys, "a=b d/ d/c=d/c", "a=d/c d/")
	must(t, fsys.SyncDir(filepath.Join(dir, "d")))
	expect(t, fsys, "a=d/c d/")
}

func TestNamesSurviveInAnyCombination(t *testing.T) {
	fsys, dir := newFS(t)
	for _, name := range []string{"a", "b"} {
		write(t, fsys, filepath.Join(dir, name), name)
	}
	must(t, fsys.SyncDir(dir))
	must(t, fsys.Remove(filepath.Join(dir, "a")), fsys.Remove(filepath.Join(dir, "b")))
	expect(t, fsys, "a=a b=b", "a=a", "b=b", "")
}

func TestANewerNameIsNotUndoneByAnOlderOne(t *testing.T) {
	fsys, dir := newFS(t)
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o777), fsys.SyncDir(dir))
	write(t, fsys, filepath.Join(dir, "a"), "1")
	write(t, fsys, filepath.Join(dir, "d", "a"), "2")
	must(t, fsys.Rename(filepath.Join(dir, "d", "a"), filepath.Join(dir, "a")))
	must(t, fsys.SyncDir(filepath.Join(dir, "d"))) // settles the rename, not the name that came before it
	expect(t, fsys, "a=2 d/")
}

func TestTheHookStopsAnOperation(t *testing.T) {
	fsys, dir := newFS(t)
	broken := errors.New("broken")
	var seen []string
	fsys.Before(func(op crashfs.Op, path string) error {
		seen = append(seen, string(op)+" "+filepath.Base(path))
		if op == crashfs.Rename {
			return broken
		}
		return nil
	})
	write(t, fsys, filepath.Join(dir, "a"), "a")
	if err := fsys.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")); !errors.Is(err, broken) {
		t.Errorf("rename: error %v, want the hook's", err)
	}
	must(t, fsys.SyncDir(dir))
	expect(t, fsys, "a=a")
	want := []string{"create a", "write a", "sync a", "rename b", "sync folder " + filepath.Base(dir)}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

func TestWhatIsOutsideOrMissingIsRefused(t *testing.T) {
	fsys, dir := newFS(t)
	if err := fsys.Mkdir(filepath.Join(dir, "..", "x"), 0o777); err == nil {
		t.Error("a folder was made outside of the file system")
	}
	if err := fsys.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of a missing file: error %v", err)
	}
	if _, err := fsys.OpenFile(filepath.Join(dir, "no", "a"), os.O_CREATE|os.O_RDWR, 0o666); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in a missing folder: error %v", err)
	}
	if _, err := fsys.OpenFile(filepath.Join(dir, "a"), os.O_CREATE|os.O_APPEND, 0o666); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a file to append to: error %v", err)
	}
}
