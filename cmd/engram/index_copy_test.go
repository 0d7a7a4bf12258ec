package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCopiedIndexAnswersAlike(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	c.must("index", "build", photos, "--out", first)

	type summary struct {
		Items, Added, Unchanged, Extra, Pruned int
		Digest                                 string
		Deviation                              *float64 `json:"max_deviation"`
	}
	var r summary
	c.json(&r, "index", "copy", first, second)
	if r.Items != 16 || r.Added != 16 || r.Deviation == nil || *r.Deviation != 0 {
		t.Errorf("copy: %+v, want 16 added without deviation", r)
	}
	out := c.must("index", "copy", first, second)
	if !strings.HasPrefix(out, "16 items: added 0, changed 0, unchanged 16, extra 0 (deleted 0); ") || !strings.Contains(out, r.Digest) {
		t.Errorf("second copy prints %q, want 16 unchanged and the digest %s", out, r.Digest)
	}
	query := []string{"--image", filepath.Join(photos, "p12.png"), "-k", "5", "--json"}
	// The cursor of the next page is of one index alone.
	next := regexp.MustCompile(`,\s+"next": "[^"]+"`)
	want := c.must(append([]string{"search", "--index", first}, query...)...)
	got := c.must(append([]string{"search", "--index", second}, query...)...)
	if !next.MatchString(got) || next.ReplaceAllString(got, "") != next.ReplaceAllString(want, "") || !json.Valid([]byte(got)) {
		t.Errorf("search in the copy (-original +copy):\n%s", cmp.Diff(want, got))
	}
	var v struct{ Digest string }
	c.json(&v, "index", "verify", second)
	if v.Digest != r.Digest {
		t.Errorf("verify says digest %s, copy %s", v.Digest, r.Digest)
	}

	// What the source no longer has goes when it is asked for.
	writePNG(t, filepath.Join(photos, "p12.png"), 4, 4)
	c.must("index", "build", photos, "--out", first)
	grown := filepath.Join(dir, "grown")
	writePNG(t, filepath.Join(photos, "new.png"), 3, 9)
	c.must("index", "build", photos, "--out", grown)
	c.must("index", "copy", grown, second)
	r = summary{}
	c.json(&r, "index", "copy", first, second)
	if r.Unchanged != 16 || r.Extra != 1 || r.Pruned != 0 {
		t.Errorf("copy without --prune: %+v, want one extra", r)
	}
	c.json(&r, "index", "copy", first, second, "--prune")
	if r.Pruned != 1 {
		t.Errorf("copy with --prune: %+v, want one deleted", r)
	}
}

func TestIndexCopyRefuses(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	first, other, bundled := filepath.Join(dir, "first"), filepath.Join(dir, "other"), filepath.Join(dir, "bundled")
	c.must("index", "build", photos, "--out", first)
	c.must("index", "build", writePhotos(t), "--out", other)
	c.must("model", "import", pixelsModel(t), "--out", filepath.Join(dir, "model"), "--name", "other")
	c.must("index", "build", photos, "--out", bundled, "--model", filepath.Join(dir, "model"))

	c.refuse([]string{"wanted an index and where to copy it, found 1 arguments"}, "index", "copy", first)
	c.refuse([]string{"no such index"}, "index", "copy", filepath.Join(dir, "nowhere"), filepath.Join(dir, "fresh"))
	c.refuse([]string{"1024 elements, the target of 256", "wrong dimension"}, "index", "copy", first, bundled)
	c.refuse([]string{"is the index of", "--prune would delete what is not of " + photos}, "index", "copy", first, other, "--prune")
	c.refuse([]string{"wanted two indexes, found " + first + " twice"}, "index", "copy", first, first)
	c.refuse([]string{"wanted two indexes"}, "index", "copy", first, first+"/")
	c.refuse([]string{"--batch is 0"}, "index", "copy", first, other, "--batch", "0")
}
