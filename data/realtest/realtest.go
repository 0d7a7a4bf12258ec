// Package realtest finds the real photos, models and scans that some tests
// use. They lie beside the repository, in ../shared/real, and are never part
// of it; without them those tests are skipped, and say so.
package realtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the absolute path of a file or folder of the real data, such as
// "scans/digits69". Where it is not there the test is skipped with a message
// that names it; with ENGRAM_REQUIRE_REAL=1 it fails instead.
func Path(t testing.TB, name string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(root), "shared", "real", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("ENGRAM_REQUIRE_REAL") == "1" {
			t.Fatalf("real data needed: %s", path)
		}
		t.Skipf("SKIPPED, real data is missing: ../shared/real/%s beside the repository", name)
	}
	return path
}

// moduleRoot walks up from the working directory, which is the package's own
// folder in a test, to the folder of go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
