package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A scan is finished as long as its record and each of its pictures are there.
func TestScansThatLackAPictureAreMadeAgain(t *testing.T) {
	f := &reconstructions{dir: t.TempDir(), folders: []string{madeFolder, boundFolder}, candidates: 2}
	names := []string{"0000-a", "0001-b"}
	for _, name := range names {
		for _, path := range f.files(name) {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := writeBytes(path, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if missing, err := f.missing(names); err != nil || len(missing) != 0 {
		t.Errorf("with all files scans %v are missing, %v", missing, err)
	}
	paths := f.files(names[1])
	if len(paths) != 5 {
		t.Errorf("files of a scan are %q, want a record, two pictures and two candidates", paths)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if missing, err := f.missing(names); err != nil || !slices.Equal(missing, []int{1}) {
			t.Errorf("without %s scans %v are missing, %v, want 1", path, missing, err)
		}
		if err := writeBytes(path, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPicturesThatWereMadeOtherwiseStay(t *testing.T) {
	f := &reconstructions{dir: t.TempDir()}
	choices := []byte("{\n  \"steps\": 6\n}\n")
	for range 2 {
		if err := f.agree(choices); err != nil {
			t.Fatal(err)
		}
	}
	err := f.agree([]byte("{\n  \"steps\": 5\n}\n"))
	if err == nil || !strings.Contains(err.Error(), `made otherwise ("steps": 6, wanted "steps": 5), choose another --out`) {
		t.Errorf("other choices: %v", err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, choicesFile), choices[:8], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.agree(choices); err == nil || !strings.Contains(err.Error(), "choices.json is damaged") {
		t.Errorf("choices that were cut off: %v", err)
	}
}
