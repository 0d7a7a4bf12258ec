package hub_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// cache writes files of a snapshot into a folder as huggingface_hub does, and returns
// it.
func cache(t *testing.T, snap *hub.Snapshot, links bool, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	top := filepath.Join(dir, "models--owner--clip")
	write := func(path string, content []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(top, "refs", "main"), []byte(snap.Commit))
	for _, p := range paths {
		f, ok := snap.File(p)
		if !ok {
			t.Fatalf("no file %s", p)
		}
		link := filepath.Join(top, "snapshots", snap.Commit, p)
		if !links {
			write(link, files[p].Data)
			continue
		}
		blob := filepath.Join(top, "blobs", f.SHA256+f.BlobSHA1)
		write(blob, files[p].Data)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Rel(filepath.Dir(link), blob)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheCacheIsUsedWithoutCopying(t *testing.T) {
	t.Parallel()
	for _, links := range []bool{true, false} {
		s, _, snap := resolved(t)
		dir := t.TempDir()
		cached := cache(t, snap, links, vision)
		c := newClient(t, s, func(o *hub.Options) { o.CacheDir = cached })
		before := len(s.Requests())
		placed, err := c.Fetch(t.Context(), snap, []string{vision, "config.json"}, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantFiles(t, dir, vision, "config.json")
		if placed[0].How != hub.HardLink || placed[1].How != hub.Downloaded || len(s.Requests()) != before+1 {
			t.Errorf("links %v: %+v with %d requests", links, placed, len(s.Requests())-before)
		}
		source, err1 := os.Stat(placed[0].Source)
		target, err2 := os.Stat(filepath.Join(dir, vision))
		if err1 != nil || err2 != nil || !os.SameFile(source, target) {
			t.Errorf("the file was copied: %v, %v", err1, err2)
		}
	}
}

// A hard link to another disk cannot be made.
func TestTheCacheOfAnotherDiskIsLinkedByName(t *testing.T) {
	t.Parallel()
	const memory = "/dev/shm"
	dir, err := os.MkdirTemp(memory, "hub") //nolint:usetesting // a folder of another disk
	if err != nil {
		t.Skipf("SKIPPED, %s is not there: %v", memory, err)
	}
	defer os.RemoveAll(dir)
	s, _, snap := resolved(t)
	c := newClient(t, s, func(o *hub.Options) { o.CacheDir = cache(t, snap, true, vision) })
	placed, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if placed[0].How == hub.HardLink {
		t.Skipf("SKIPPED, %s is no other disk", memory)
	}
	target, err := os.Readlink(filepath.Join(dir, vision))
	if err != nil || placed[0].How != hub.SymbolicLink || target != placed[0].Source || !filepath.IsAbs(target) {
		t.Errorf("%+v, link to %s, %v", placed[0], target, err)
	}
	wantFiles(t, dir, vision)
	if placed, err = c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil || placed[0].How != hub.SymbolicLink || placed[0].Source != target {
		t.Errorf("the second time: %+v, %v", placed, err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if placed, err = c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil || placed[0].How != hub.Downloaded {
		t.Errorf("after the cache was cleaned: %+v, %v", placed, err)
	}
	wantFiles(t, dir, vision)
}

func TestADamagedCacheIsNotUsed(t *testing.T) {
	t.Parallel()
	s, _, snap := resolved(t)
	cached := cache(t, snap, true, vision, "config.json")
	blobs, err := filepath.Glob(filepath.Join(cached, "*", "blobs", "*"))
	if err != nil || len(blobs) != 2 {
		t.Fatal(blobs, err)
	}
	for _, b := range blobs {
		content, err := os.ReadFile(b)
		if err != nil {
			t.Fatal(err)
		}
		content[3] ^= 1
		if err := os.WriteFile(b, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := newClient(t, s, func(o *hub.Options) { o.CacheDir = cached })
	dir := t.TempDir()
	placed, err := c.Fetch(t.Context(), snap, []string{vision, "config.json"}, dir, nil)
	if err != nil || placed[0].How != hub.Downloaded || placed[1].How != hub.Downloaded {
		t.Errorf("%+v, %v", placed, err)
	}
	wantFiles(t, dir, vision, "config.json")
	if text, err := c.Read(t.Context(), snap, "config.json"); err != nil || string(text) != string(files["config.json"].Data) {
		t.Errorf("%q, %v", text, err)
	}
}

// A repository may hold a pointer itself, whose hash is right.
func TestAPointerInTheCacheIsRefused(t *testing.T) {
	t.Parallel()
	pointer := hubtest.Pointer(files[vision].Data)
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: fstest.MapFS{vision: {Data: pointer}}})
	snap, err := newClient(t, s).Resolve(t.Context(), name, "")
	if err != nil {
		t.Fatal(err)
	}
	f, _ := snap.File(vision)
	cached := t.TempDir()
	blobs := filepath.Join(cached, "models--owner--clip", "blobs")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(blobs, f.SHA256+f.BlobSHA1), pointer, 0o644); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s, func(o *hub.Options) { o.CacheDir = cached })
	dir := filepath.Join(t.TempDir(), "new")
	before := len(s.Requests())
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); !errors.Is(err, hub.ErrPointer) || len(s.Requests()) != before {
		t.Errorf("got %v with %d requests, want %v without any", err, len(s.Requests())-before, hub.ErrPointer)
	}
	if _, err := os.Stat(filepath.Join(dir, vision)); err == nil {
		t.Error("the pointer was linked")
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	for _, links := range []bool{true, false} {
		s, _, online := resolved(t)
		cached := cache(t, online, links, vision, "config.json")
		before := len(s.Requests())
		c := newClient(t, s, func(o *hub.Options) { o.CacheDir, o.Offline = cached, true })
		for _, revision := range []string{"", "main", online.Commit} {
			snap, err := c.Resolve(t.Context(), name, revision)
			if err != nil {
				t.Fatal(err)
			}
			if snap.Commit != online.Commit || len(snap.Files) != 2 || snap.Files[1].Path != vision || snap.Files[1].Size != 300_000 {
				t.Errorf("%q: %+v", revision, snap)
			}
			dir := t.TempDir()
			if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, vision)
			if text, err := c.Read(t.Context(), snap, "config.json"); err != nil || string(text) != string(files["config.json"].Data) {
				t.Errorf("%q, %v", text, err)
			}
		}
		for _, ref := range [][2]string{{name, "v2"}, {"owner/other", "main"}, {name, strings.Repeat("0", 40)}} {
			if _, err := c.Resolve(t.Context(), ref[0], ref[1]); !errors.Is(err, hub.ErrOffline) || !strings.Contains(err.Error(), "is not in the cache") {
				t.Errorf("%v: %v", ref, err)
			}
		}
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := c.Fetch(t.Context(), online, []string{vision, "empty.txt"}, dir, nil); !errors.Is(err, hub.ErrOffline) || !strings.Contains(err.Error(), "empty.txt is neither in") {
			t.Errorf("a file that is nowhere: %v", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("a folder was made for nothing")
		}
		if _, err := c.Read(t.Context(), online, "empty.txt"); !errors.Is(err, hub.ErrOffline) {
			t.Errorf("a file that is nowhere: %v", err)
		}
		if n := len(s.Requests()) - before; n != 0 {
			t.Errorf("%d requests", n)
		}
	}
}

// A hub that cannot be reached is no reason to fail where the cache has the revision.
func TestTheCacheStandsInForTheNetwork(t *testing.T) {
	t.Parallel()
	s, _, online := resolved(t)
	cached := cache(t, online, true, vision)
	s.Fault(func(*http.Request) hubtest.Fault { return hubtest.Fault{Status: 503} })
	c := newClient(t, s, func(o *hub.Options) {
		o.CacheDir = cached
		o.Patience = hub.Patience{Attempts: 2, FirstWait: time.Millisecond}
	})
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, vision)
	if _, err := c.Resolve(t.Context(), name, "v2"); !errors.Is(err, hub.ErrUnreachable) {
		t.Errorf("a revision that the cache lacks: %v", err)
	}
}

// A folder that is complete may be read-only.
func TestACompleteFolderIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	_, c, snap := resolved(t)
	dir := t.TempDir()
	if _, err := c.Fetch(t.Context(), snap, paths, dir, nil); err != nil {
		t.Fatal(err)
	}
	c.SetFS(readOnly{})
	if _, err := c.Fetch(t.Context(), snap, paths, dir, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Fetch(t.Context(), snap, paths, t.TempDir(), nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("an empty one: %v", err)
	}
}
