package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files again")

// Bytes compares got with the file testdata/name, byte by byte.
func Bytes(t testing.TB, name string, got []byte) {
	t.Helper()
	want := read(t, name, got)
	if i := firstDifference(want, got); i >= 0 {
		t.Errorf("%s: %d bytes, wanted %d; they differ from byte %d on (-update writes the file again)", name, len(got), len(want), i)
	}
}

// Text compares got with the file testdata/name, line by line.
func Text(t testing.TB, name, got string) {
	t.Helper()
	want := read(t, name, []byte(got))
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes the file again):\n%s", name, diff)
	}
}

// read returns the golden file, which is got itself under -update.
func read(t testing.TB, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	return want
}

// firstDifference returns the index of the first byte that differs, -1 where
// none does.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}
