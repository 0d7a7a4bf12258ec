package main

import (
	"path/filepath"
	"testing"

	"engram/index/copyindex"
	"engram/index/ingest"
	"engram/index/qdrant/double"
	"engram/index/verify"
)

// An index keeps tokens from its build on, through copies and further builds.
func TestTokensAreKept(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	server := startQdrant(t, double.Options{})
	there, built, back := server+"/there", server+"/built", filepath.Join(dir, "back")
	c.must("index", "build", photos, "--out", first, "--tokens", "int8")
	c.must("index", "copy", first, second)
	digests := map[string]bool{}
	for _, move := range [][2]string{{first, there}, {there, back}, {there, back}} {
		var r copyindex.Report
		c.json(&r, "index", "copy", move[0], move[1])
		if r.Tokens != r.Items || r.Items == 0 {
			t.Errorf("%s: %+v, want tokens of all items", move, r)
		}
		digests[r.TokenDigest] = true
	}
	if len(digests) != 1 {
		t.Errorf("digests of tokens %v, want one", digests)
	}
	c.must("index", "build", photos, "--out", built, "--tokens", "float16")
	writePNG(t, filepath.Join(photos, "new.png"), 3, 9)
	c.must("index", "build", photos, "--out", there)
	c.must("index", "build", photos, "--out", first)
	for _, name := range []string{first, second, there, built, back} {
		var r verify.Report
		c.json(&r, "index", "verify", name)
		found := false
		for _, check := range r.Checks {
			found = found || check.Name == "tokens" && check.Outcome == verify.OK
		}
		if !found {
			t.Errorf("%s: checks %+v, want one of tokens", name, r.Checks)
		}
	}
	for _, name := range []string{first, there} {
		c.in = `{"id": 1, "vector": [1, 0]}`
		c.refuse([]string{"line 1: ", "the index keeps 1 tokens of 1024 elements as int8", "engram index build adds images"}, "index", "put", name)
	}
	c.refuse([]string{"keeps 1 tokens of 1024 elements as int8, --tokens asks for 1 tokens of 1024 elements as float16"},
		"index", "build", photos, "--out", first, "--tokens", "float16")
	c.refuse([]string{"--tokens: tokens as \"float64\", wanted float16 or int8"}, "index", "build", photos, "--out", filepath.Join(dir, "third"), "--tokens", "float64")

	var with, without ingest.Estimate
	c.json(&with, "index", "build", photos, "--dry-run", "--tokens", "float16")
	c.json(&without, "index", "build", photos, "--dry-run")
	if more := (with.Disk - without.Disk) / int64(with.Rows); more < 2040 || more > 2056 {
		t.Errorf("tokens take %d bytes more of each image, want 2048 ± 8", more)
	}
}
