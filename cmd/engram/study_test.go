package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
)

// TestStudyDecoder compares presets on a small experiment, and goes on with another
// seed.
func TestStudyDecoder(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	table := filepath.Join(dir, "study.csv")
	args := []string{
		"study", "decoder", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--presets", "linear,gaussian",
		"--test", "6", "--noise", "1,2", "--out", filepath.Join(dir, "study"), "--csv", table,
	}
	var found app.Study
	c.json(&found, append(args, "--seeds", "1")...)
	if len(found.Rows) != 8 || found.Rows[0].Images != 10 || found.Rows[0].Seeds != 1 { // 2 presets, 2 levels, 1 and 2 repeats
		t.Errorf("rows are %+v", found.Rows)
	}
	text := c.must(append(args, "--seeds", "2")...)
	for _, want := range []string{"more than linear", "gaussian", "matched "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	lines, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(lines), "\n"); n != 9 || !strings.Contains(string(lines), "\n10,2,2,gaussian,2,") {
		t.Errorf("the CSV is\n%s", lines)
	}
	c.refuse([]string{"--seeds is 0"}, append(args, "--seeds", "0")...)
	c.refuse([]string{"found 40"}, append(args, "--images", "40")...)
}
