package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRepair(t *testing.T) {
	c := newCLI(t)
	name := filepath.Join(t.TempDir(), "photos.index")
	c.must("index", "build", writePhotos(t), "--out", name)
	if got := c.must("index", "repair", name, "--yes"); got != name+": nothing is damaged, 16 items\n" {
		t.Errorf("repair of a whole index prints %q", got)
	}
	segments, err := filepath.Glob(filepath.Join(name, "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, error %v", segments, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	content[9] ^= 1 // of the header
	if err := os.WriteFile(segments[0], content, 0o666); err != nil {
		t.Fatal(err)
	}

	if got := c.must("index", "info", name); !strings.Contains(got, "damaged, to be repaired") || !strings.Contains(got, segments[0]) {
		t.Errorf("info prints %q, wanted the damaged file", got)
	}
	for _, command := range [][]string{{"index", "build", writePhotos(t), "--out", name}, {"index", "verify", name}} {
		stdout, stderr, status := c.run(command...)
		if status == 0 || !strings.Contains(stdout+stderr, segments[0]) {
			t.Errorf("%v: status %d, %q, %q, wanted the damaged file", command, status, stdout, stderr)
		}
	}

	for _, answer := range []string{"", "no\n"} {
		c.in = answer
		stdout, stderr, status := c.run("index", "repair", name)
		if status != 0 || !strings.Contains(stdout, "lost: 16 items") || !strings.HasSuffix(stdout, name+": left as it is\n") || !strings.Contains(stderr, "Repair") {
			t.Errorf("answer %q: status %d, stdout %q, stderr %q", answer, status, stdout, stderr)
		}
	}
	c.in = "yes\n"
	if got := c.must("index", "repair", name); !strings.HasSuffix(got, name+": repaired, 0 items, 16 lost\n") {
		t.Errorf("repair prints %q", got)
	}
	if kept, err := os.ReadFile(filepath.Join(name, "damaged", filepath.Base(segments[0]))); err != nil || string(kept) != string(content) {
		t.Errorf("the damaged file was not kept: %d bytes, error %v", len(kept), err)
	}
	c.must("index", "verify", name)
	c.refuse([]string{"server"}, "index", "repair", "qdrant://localhost:6334/photos")
}
