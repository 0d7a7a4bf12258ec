package ort

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/onnx"
)

// compile builds a shared library from C.
func compile(t *testing.T, file, source string) {
	t.Helper()
	c := file + ".c"
	if err := os.WriteFile(c, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	// This package needs cgo, so there is a C compiler.
	if out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-o", file, c).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// fakeLibrary is a library that gives a version and no API.
func fakeLibrary(version string) string {
	return `
static const void *api(unsigned version) { return 0; }
static const char *name(void) { return "` + version + `"; }
static struct { const void *(*a)(unsigned); const char *(*b)(void); } base = {api, name};
void *OrtGetApiBase(void) { return &base; }
`
}

func TestLoadRefusesOtherLibraries(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	compile(t, file("old.so"), fakeLibrary("1.20.1"))
	compile(t, file("odd.so"), fakeLibrary("nightly"))
	compile(t, file("hollow.so"), fakeLibrary("1.99.0"))
	compile(t, file("other.so"), "int answer(void) { return 42; }")
	if err := os.WriteFile(file("text.so"), []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"old.so":    "is onnxruntime 1.20.1, wanted 1.24.1 or newer",
		"odd.so":    `says its version is "nightly"`,
		"hollow.so": "hollow.so: Error setting ORT API base",
		"other.so":  "is a library, but not onnxruntime",
		"text.so":   "is no library that this machine can load",
		"none.so":   "no such file",
	} {
		_, err := Load(t.Context(), LibraryOptions{Path: file(name)})
		if !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want ErrLibrary with %q", name, err, want)
		}
	}
}

func TestFindSystemTakesTheFirstUsable(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libonnxruntime.so.1.20.1"), fakeLibrary("1.20.1"))
	if got := findSystem([]string{"no such folder", dir}, false); got != "" {
		t.Errorf("found %q among older libraries only", got)
	}
	want := filepath.Join(dir, "libonnxruntime.so.1.25.0")
	compile(t, want, fakeLibrary("1.25.0"))
	if got := findSystem([]string{dir}, false); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	if got := findSystem([]string{dir}, true); got != "" {
		t.Errorf("found %q for CUDA, where there is no provider", got)
	}
	compile(t, filepath.Join(dir, "libonnxruntime_providers_cuda.so"), "")
	if got := findSystem([]string{dir}, true); got != want {
		t.Errorf("found %q for CUDA, want %q", got, want)
	}
}

func TestOfflineSaysWhereItLooked(t *testing.T) {
	if findSystem(systemFolders(), false) != "" {
		t.Skip("SKIPPED: this machine has a libonnxruntime of its own")
	}
	dir := t.TempDir()
	_, err := Load(t.Context(), LibraryOptions{CacheDir: dir, Offline: true})
	if !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "fetching is off") {
		t.Errorf("got %v, want ErrLibrary that names the cache", err)
	}
}

func TestRuntimesShareTheLibrary(t *testing.T) {
	load := func() *Runtime {
		r, err := Load(t.Context(), OptionsFromEnv(os.Getenv))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	model, err := onnx.Marshal(&onnx.Graph{
		Nodes:   []onnx.Node{{Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Inputs:  []onnx.Value{{Name: "x", Type: onnx.Float}},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // the library comes back after its last close
		a, b := load(), load()
		if a.Version() != b.Version() || a.Path() != b.Path() {
			t.Errorf("two runtimes: %s at %s and %s at %s", a.Version(), a.Path(), b.Version(), b.Path())
		}
		if err := errors.Join(a.Close(), a.Close()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if _, err := a.OpenBytes("model", model, SessionOptions{}); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed runtime opens a model: got %v, want ErrClosed", err)
		}
		other := filepath.Join(t.TempDir(), "other.so")
		compile(t, other, fakeLibrary("1.30.0"))
		if _, err := Load(t.Context(), LibraryOptions{Path: other}); !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "this process runs "+b.Path()) {
			t.Errorf("a second library: got %v, want a refusal", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestVersionsCompareByNumber(t *testing.T) {
	for _, c := range []struct {
		version string
		older   bool
	}{{"1.24.1", false}, {"1.24.0", true}, {"1.9.0", true}, {"1.27.0-dev+cuda", false}, {"2.0.0", false}} {
		if older, err := olderThan(c.version, minVersion); err != nil || older != c.older {
			t.Errorf("olderThan(%s, %s) = %v, %v, want %v", c.version, minVersion, older, err, c.older)
		}
	}
}
