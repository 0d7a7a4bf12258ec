package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/progress"
)

// content is what the fake archives hold as the library.
const content = "the library"

// makeArchive writes an archive that holds the member with content and one
// file more, and returns its pin.
func makeArchive(t *testing.T, file, member string) archive {
	t.Helper()
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(file, ".whl") {
		z := zip.NewWriter(&b)
		for _, name := range []string{"other", member} {
			w, createErr := z.Create(name)
			if createErr != nil {
				t.Fatal(createErr)
			}
			w.Write([]byte(content))
		}
		err = z.Close()
	} else {
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, name := range []string{"./other", "./" + member} {
			w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))})
			w.Write([]byte(content))
		}
		err = errors.Join(w.Close(), z.Close())
	}
	if err == nil {
		err = os.WriteFile(file, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return archive{file: filepath.Base(file), size: int64(b.Len()), sha256: hex.EncodeToString(sum[:]), members: []string{member}}
}

// shell is a client that runs a script in the work folder.
func shell(name, script string, a archive) channel {
	return channel{name: name, command: []string{"sh", "-c", script}, archive: a}
}

// newFetcher returns a fetcher of an empty cache, an archive, and the script
// that copies it, after noting the call in the file calls.
func newFetcher(t *testing.T, archiveName string) (f fetcher, a archive, script, calls string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, archiveName)
	a = makeArchive(t, source, "lib/libonnxruntime.so")
	calls = filepath.Join(dir, "calls")
	script = "echo call >>" + calls + "; cp " + source + " ."
	return fetcher{dir: filepath.Join(dir, "cache"), build: "build"}, a, script, calls
}

// wantCached fails unless the library at path has its content and nothing but
// the build and its lock is in the cache.
func wantCached(t *testing.T, f fetcher, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || string(b) != content {
		t.Errorf("the library %s holds %q (%v), want %q", file, b, err, content)
	}
	wantClean(t, f, "build", "build.lock")
}

// wantClean fails unless the cache folder holds just the names.
func wantClean(t *testing.T, f fetcher, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if got, want := strings.Join(found, " "), strings.Join(names, " "); got != want {
		t.Errorf("the cache holds %q, want %q", got, want)
	}
}

func TestFetchKeepsTheLibrary(t *testing.T) {
	for _, name := range []string{"a.whl", "a.tgz"} {
		t.Run(name, func(t *testing.T) {
			f, a, script, calls := newFetcher(t, name)
			f.channels = []channel{shell("good", script, a)}
			var done, total int64
			f.progress = func(r progress.Report) { done, total = r.Done, r.Total }
			file, err := f.fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantCached(t, f, file)
			if done != a.size || total != a.size {
				t.Errorf("progress ended at %d of %d, want %d of %d", done, total, a.size, a.size)
			}
			if _, err := f.fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(calls); string(b) != "call\n" {
				t.Errorf("the client was called %q, want once", b)
			}
		})
	}
}

func TestFetchFromTheReleasePage(t *testing.T) {
	dir := t.TempDir()
	a := makeArchive(t, filepath.Join(dir, "a.tgz"), "release/lib/libonnxruntime.so")
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	f := fetcher{dir: filepath.Join(dir, "cache"), build: "build"}
	f.channels = []channel{
		{name: "gone", url: server.URL + "/gone.tgz", archive: a},
		{name: "here", url: server.URL + "/a.tgz", archive: a},
	}
	file, err := f.fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantCached(t, f, file)
	f.build, f.channels = "other", f.channels[:1]
	if _, err := f.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want an error with 404", err)
	}
}

func TestFetchGoesOnToTheNextClient(t *testing.T) {
	f, a, script, _ := newFetcher(t, "a.whl")
	other := a
	other.sha256 = strings.Repeat("0", 64)
	none := a
	none.members = []string{"lib/missing.so"}
	f.channels = []channel{
		{name: "absent", command: []string{"no-such-client-here"}, archive: a},
		shell("broken", "echo line one; echo no route to host >&2; exit 3", a),
		shell("lazy", "true", a),
		shell("truncated", script+"; truncate -s -1 a.whl", a),
		shell("changed", script, other),
		shell("incomplete", script, none),
	}
	_, err := f.fetch(t.Context())
	if !errors.Is(err, ErrLibrary) {
		t.Fatalf("got %v, want ErrLibrary", err)
	}
	for _, part := range []string{
		"absent: not installed", "broken: exit status 3: no route to host", "lazy: it did not bring a.whl",
		"truncated: a.whl has ", "changed: a.whl has sha256 " + a.sha256, "incomplete: a.whl: it does not hold lib/missing.so",
		"install pip or npm", "ENGRAM_ONNXRUNTIME",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nlacks %q", err, part)
		}
	}
	wantClean(t, f, "build.lock")
	leftover := filepath.Join(f.dir, ".build", "a.whl") // of a killed process
	if err := errors.Join(os.Mkdir(filepath.Dir(leftover), 0o755), os.WriteFile(leftover, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	f.channels = append(f.channels, shell("good", script, a))
	file, err := f.fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantCached(t, f, file)
}

func TestCacheNoticesDamage(t *testing.T) {
	f, a, script, calls := newFetcher(t, "a.whl")
	f.channels = []channel{shell("good", script, a)}
	file, err := f.fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	touched := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, touched, touched); err != nil {
		t.Fatal(err)
	}
	if _, err := f.cached(); err != nil {
		t.Errorf("after a change of its time alone: %v", err)
	}
	for name, damage := range map[string]func() error{
		"same size":  func() error { return os.WriteFile(file, []byte(strings.ToUpper(content)), 0o600) },
		"shorter":    func() error { return os.Truncate(file, 3) },
		"missing":    func() error { return os.Remove(file) },
		"torn stamp": func() error { return os.WriteFile(filepath.Join(path.Dir(file), stampName), []byte("{"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(calls)
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if _, err := f.cached(); err == nil {
				t.Error("the damage was not noticed")
			}
			if _, err := f.fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantCached(t, f, file)
			if b, _ := os.ReadFile(calls); string(b) != "call\n" {
				t.Errorf("the client was called %q, want once", b)
			}
		})
	}
}

// slowly makes a script take long enough for others to come in between.
func slowly(script string) string { return "sleep 0.3; " + script }

func TestGoroutinesFetchOnce(t *testing.T) {
	f, a, script, calls := newFetcher(t, "a.whl")
	f.channels = []channel{shell("slow", slowly(script), a)}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := f.fetch(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, _ := os.ReadFile(calls); string(b) != "call\n" {
		t.Errorf("the client was called %q, want once", b)
	}
}

// TestProcessesFetchOnce starts this test binary again, several times at once.
// Each process fetches into the same cache.
func TestProcessesFetchOnce(t *testing.T) {
	if source := os.Getenv("ORT_TEST_SOURCE"); source != "" {
		f := fetcher{dir: os.Getenv("ORT_TEST_CACHE"), build: "build"}
		a := archive{file: "a.whl", members: []string{"lib/libonnxruntime.so"}}
		info, err := os.Stat(source)
		if err != nil {
			t.Fatal(err)
		}
		a.size = info.Size()
		if a.sha256, err = hashFile(source); err != nil {
			t.Fatal(err)
		}
		f.channels = []channel{shell("slow", os.Getenv("ORT_TEST_SCRIPT"), a)}
		if _, err := f.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, _, script, calls := newFetcher(t, "a.whl")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessesFetchOnce$")
			cmd.Env = append(os.Environ(), "ORT_TEST_SOURCE="+filepath.Join(filepath.Dir(f.dir), "a.whl"),
				"ORT_TEST_CACHE="+f.dir, "ORT_TEST_SCRIPT="+slowly(script))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	wantCached(t, f, filepath.Join(f.dir, "build", "libonnxruntime.so"))
	if b, _ := os.ReadFile(calls); string(b) != "call\n" {
		t.Errorf("the client was called %q, want once", b)
	}
}

func TestFetchStopsWithItsContext(t *testing.T) {
	f, a, _, _ := newFetcher(t, "a.whl")
	f.channels = []channel{{name: "endless", command: []string{"sleep", "60"}, archive: a}}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := f.fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the fetch ended after %v", took)
	}
	wantClean(t, f, "build.lock")

	unlock, err := lockFile(t.Context(), filepath.Join(f.dir, "build.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another holds the lock: got %v, want context.DeadlineExceeded", err)
	}
}

func TestEveryChannelIsPinned(t *testing.T) {
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/arm64"} {
		for _, gpu := range []bool{false, true} {
			list := channels(platform, gpu)
			want := 4
			if gpu {
				want = map[string]int{"linux/amd64": 2}[platform]
			}
			if len(list) != want {
				t.Errorf("%s, gpu %v: %d channels, want %d", platform, gpu, len(list), want)
			}
			for _, c := range list {
				sum, err := hex.DecodeString(c.archive.sha256)
				if err != nil || len(sum) != sha256.Size || c.archive.size < 1<<20 || len(c.archive.members) == 0 || c.archive.members[0] == "" {
					t.Errorf("%s, gpu %v, %s: pin %+v is not complete", platform, gpu, c.name, c.archive)
				}
			}
		}
	}
	f := fetcher{dir: t.TempDir(), build: "1.27.0-plan9-amd64", channels: channels("plan9/amd64", false)}
	if _, err := f.fetch(t.Context()); !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "not published for this platform") {
		t.Errorf("got %v, want a sentence that says there is no build", err)
	}
}
