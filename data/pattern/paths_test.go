package pattern_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/pattern"
)

// touch makes empty files in a temporary folder, which becomes the current one.
func touch(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPaths(t *testing.T) {
	touch(t, "a/1.tar", "a/2.tar", "a/10.tar", "a/.3.tar.tmp", "a/.hidden.tar", "b/1.tar", "b/x.txt", "c.tar",
		"odd {1,2}/[x].tar", "a*/1.tar")
	for _, c := range []struct {
		pattern string
		want    []string
	}{
		{"a/1.tar", []string{"a/1.tar"}},
		{"./a/1.tar", []string{"./a/1.tar"}},
		{"{b,a}/1.tar", []string{"b/1.tar", "a/1.tar"}},
		{"a/*.tar", []string{"a/1.tar", "a/2.tar", "a/10.tar"}},
		{"a/?.tar", []string{"a/1.tar", "a/2.tar"}},
		{"a/[13-9]*.tar", []string{"a/1.tar", "a/10.tar"}},
		{"a/.*.tar", []string{"a/.hidden.tar"}},
		{"[ab]/*.tar", []string{"a/1.tar", "a/2.tar", "a/10.tar", "b/1.tar"}},
		{"{b,a}/*.tar", []string{"b/1.tar", "a/1.tar", "a/2.tar", "a/10.tar"}},
		{"*/1.tar", []string{"a*/1.tar", "a/1.tar", "b/1.tar"}},
		{`a\*/1.tar`, []string{"a*/1.tar"}},
		{`a\*/*.tar`, []string{"a*/1.tar"}},
		{"a*/1.tar", []string{"a*/1.tar"}}, // named exactly so
		{"a/{2,1,*}.tar", []string{"a/2.tar", "a/1.tar", "a/10.tar"}},
		{"odd {1,2}/[x].tar", []string{"odd {1,2}/[x].tar"}},
		{`odd \{*/\[x].tar`, []string{"odd {1,2}/[x].tar"}},
		{"b", []string{"b"}},
		{"*.tar", []string{"c.tar"}},
	} {
		got, err := pattern.Paths(c.pattern)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.pattern, diff)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pattern.Paths(dir + "/a/*.tar")
	if err != nil || len(got) != 3 || got[2] != dir+"/a/10.tar" {
		t.Errorf("with an absolute path: %q, %v", got, err)
	}
}

func TestPathsThatAreNotThere(t *testing.T) {
	touch(t, "00000.tar", "00002.tar")
	for _, c := range []struct {
		pattern string
		want    error
		says    string
	}{
		{"{00000..00004}.tar", fs.ErrNotExist, "missing are 3 of 5, the first is 00001.tar"},
		{"x.tar", fs.ErrNotExist, "missing are 1 of 1, the first is x.tar"},
		{"*.zip", fs.ErrNotExist, "the first is *.zip"},
		{"{*,x}.tar", fs.ErrNotExist, "missing are 1 of 2, the first is x.tar"},
		{"none/*.tar", fs.ErrNotExist, "the first is none/*.tar"},
		{"*/*.tar", fs.ErrNotExist, "the first is */*.tar"},
		{"00000.tar/*", fs.ErrNotExist, "the first is 00000.tar/*"},
		{"", fs.ErrNotExist, `pattern: ""`},
		{"[a.tar", pattern.ErrSyntax, "a bracket is not closed"},
		{"{a.tar", pattern.ErrSyntax, "is not closed"},
	} {
		paths, err := pattern.Paths(c.pattern)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || paths != nil {
			t.Errorf("%s: %q, error is %v, want %v that says %q", c.pattern, paths, err, c.want, c.says)
		}
	}
}

func TestPathsNamesAFolderThatCannotBeRead(t *testing.T) {
	touch(t, "open/1.tar")
	if err := os.Symlink("circle", "circle"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"*/*.tar", "*/1.tar"} {
		_, err := pattern.Paths(p)
		if err == nil || !strings.Contains(err.Error(), "circle") {
			t.Errorf("%s: error is %v, want one that names the folder", p, err)
		}
	}
}
