package trials_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/trials"
)

func TestRead(t *testing.T) {
	got, err := trials.Read(strings.NewReader("rest 0\nface\t0\r\n  house   11"))
	if err != nil {
		t.Fatal(err)
	}
	want := []trials.Volume{{"rest", 0}, {"face", 0}, {"house", 11}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBadTablesAreRefusedWithOneSentence(t *testing.T) {
	for content, want := range map[string]string{
		"":                                 "wanted one line for each volume, found none",
		"face 0\nhouse":                    "line 2: wanted a label and a run, found 1 words",
		"face 0\n\nhouse 1":                "line 2: wanted a label and a run, found 0 words",
		"scrambled pix 0":                  "line 1: wanted a label and a run, found 3 words",
		"face one":                         "line 1: wanted the number of a run, found \"one\"",
		"face 99999999999999999999":        "line 1: wanted the number of a run",
		"a 0\n" + strings.Repeat("b", 1e5): "line 2: wanted a label and a run, found more than 65536 bytes",
	} {
		path := filepath.Join(t.TempDir(), "attributes.txt")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := trials.ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
	if _, err := trials.ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("rest 0\nface 1\n")
	f.Fuzz(func(t *testing.T, content string) {
		volumes, err := trials.Read(strings.NewReader(content))
		if err == nil && len(volumes) > strings.Count(content, "\n")+1 {
			t.Errorf("%d volumes from %q", len(volumes), content)
		}
	})
}
