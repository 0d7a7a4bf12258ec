package hub_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// readOnly is a file system that nobody may change.
type readOnly struct{ vfs.FS }

func (readOnly) Mkdir(string, fs.FileMode) error                     { return os.ErrPermission }
func (readOnly) SyncDir(string) error                                { return nil }
func (readOnly) Lock(string) (vfs.File, error)                       { return nil, os.ErrPermission }
func (readOnly) Rename(string, string) error                         { return os.ErrPermission }
func (readOnly) Remove(string) error                                 { return os.ErrPermission }
func (readOnly) OpenFile(string, int, fs.FileMode) (vfs.File, error) { return nil, os.ErrPermission }

func TestADiskThatIsTooSmall(t *testing.T) {
	t.Parallel()
	s, c, snap := resolved(t)
	before := len(s.Requests())
	c.SetFree(299_999)
	dir := filepath.Join(t.TempDir(), "new")
	_, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
	if !errors.Is(err, hub.ErrSpace) || !strings.Contains(err.Error(), "has 0.3 MB free and the download needs 0.3 MB") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil || len(s.Requests()) != before {
		t.Errorf("a folder was made, or something was asked for: %v", err)
	}
	c.SetFree(300_000)
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Error(err)
	}
}

// What an earlier call has brought needs no further space.
func TestADiskThatIsLargeEnoughForTheRest(t *testing.T) {
	t.Parallel()
	s, c, snap := resolved(t, func(o *hub.Options) { o.Patience.Attempts = 1 })
	dir := t.TempDir()
	s.Fault(onCDN(s, 1, hubtest.Fault{Cut: 100_000}))
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); !errors.Is(err, hub.ErrUnreachable) {
		t.Fatalf("the first call returns %v", err)
	}
	c.SetFree(199_999)
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); !errors.Is(err, hub.ErrSpace) {
		t.Errorf("without room for the rest: %v", err)
	}
	c.SetFree(200_000)
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, vision)
}

// A disk that is full in mid-download keeps what has come, and the next call goes on.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	s, c, snap := resolved(t)
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.SetFS(fsys)
	var mu sync.Mutex
	writes := 0
	fsys.Before(func(op crashfs.Op, path string) error {
		mu.Lock()
		defer mu.Unlock()
		if op == crashfs.Write && strings.HasSuffix(path, ".part") {
			if writes++; writes > 2 {
				return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
			}
		}
		return nil
	})
	_, err = c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
	if !errors.Is(err, hub.ErrSpace) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "is full") || !strings.Contains(err.Error(), "make room and try again") {
		t.Errorf("got %v", err)
	}
	fsys.Before(nil)
	before := len(s.Requests())
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, vision)
	if r := s.Requests()[before].Header.Get("Range"); !strings.HasPrefix(r, "bytes=") {
		t.Errorf("the second call asked for range %q", r)
	}
}

// After a power loss at any moment, a file is there whole or not at all, and the next
// call brings the rest.
func TestFetchSurvivesAPowerLoss(t *testing.T) {
	t.Parallel()
	_, c, snap := resolved(t, func(o *hub.Options) { o.Parallel = 1 })
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.SetFS(fsys)
	wanted := []string{vision, "config.json"}
	step, parts, whole := uint64(0), 0, 0
	crash := func(returned bool) {
		step++
		for seed := range uint64(2) {
			after := t.TempDir()
			if err := fsys.Crash(after, rand.New(rand.NewPCG(seed, step))); err != nil {
				t.Fatal(err)
			}
			for _, p := range wanted {
				content, err := os.ReadFile(filepath.Join(after, p))
				switch {
				case err == nil && bytes.Equal(content, files[p].Data):
					whole++
				case err == nil || returned:
					t.Errorf("step %d, returned %v: %s has %d bytes, %v", step, returned, p, len(content), err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(after, ".download", "*.part")); len(left) > 0 {
				parts++
			}
			again := newClient(t, nil, func(o *hub.Options) { o.Endpoint = c.Endpoint() })
			if _, err := again.Fetch(t.Context(), snap, wanted, after, nil); err != nil {
				t.Fatal(err)
			}
			for _, p := range wanted {
				if content, err := os.ReadFile(filepath.Join(after, p)); err != nil || !bytes.Equal(content, files[p].Data) {
					t.Errorf("step %d: the next call leaves %s with %d bytes, %v", step, p, len(content), err)
				}
			}
			// A crash after the last file leaves the lock, until files are missing again.
			if left, _ := filepath.Glob(filepath.Join(after, ".download", "*.part")); len(left) > 0 {
				t.Errorf("step %d: the next call leaves %v", step, left)
			}
		}
	}
	fsys.Before(func(crashfs.Op, string) error { crash(false); return nil })
	_, err = c.Fetch(t.Context(), snap, wanted, dir, nil)
	fsys.Before(nil)
	if err != nil {
		t.Fatal(err)
	}
	crash(true)
	if parts == 0 || whole == 0 {
		t.Errorf("%d crashes left parts and %d whole files, want some of both", parts, whole)
	}
}
