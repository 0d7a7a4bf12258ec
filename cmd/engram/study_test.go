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

// TestStudyAblation compares all parts of a decoder on a small experiment of two
// subjects, here the same one.
func TestStudyAblation(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	table := filepath.Join(dir, "ablation.csv")
	args := []string{
		"study", "ablation", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--epochs", "2",
		"--test", "6", "--noise", "1", "--seeds", "1", "--csv", table,
	}
	var found app.Study
	c.json(&found, append(args, "--out", filepath.Join(dir, "one"))...)
	const presets = 12
	if n := len(found.Ablation); n != 2*presets || found.Ablation[1].Above == nil || found.Ablation[1].Above.Preset != "linear" { // 1 and 2 repeats
		t.Errorf("%d rows: %+v", n, found.Ablation)
	}
	for _, r := range found.Ablation {
		if r.TwoWay.Mean < .6 {
			t.Errorf("%s, mean of %d: two-way identification is %.3f", r.Preset, r.Repeats, r.TwoWay.Mean)
		}
	}
	lines, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(lines), "\n"); n != 2*presets+1 {
		t.Errorf("the CSV has %d lines\n%s", n, lines)
	}
	// Two subjects whose files are the same.
	for _, name := range []string{"a", "b"} {
		content, err := os.ReadFile(s.voxels)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".npy"), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	several := []string{
		"study", "ablation", "--voxels", filepath.Join(dir, "{subject}.npy"), "--stimuli", s.photos, "--trials", s.trials, "--presets", "linear,gains",
		"--test", "6", "--noise", "1", "--seeds", "1", "--out", filepath.Join(dir, "two"),
	}
	if text := c.must(append(several, "--subjects", "a,b")...); !strings.Contains(text, "over 2 subjects") {
		t.Errorf("two subjects print\n%s", text)
	}
	c.refuse([]string{"different names"}, append(several, "--subjects", "a,a")...)
	c.refuse([]string{`loss "l1" is not known`}, append(several, "--subjects", "a", "--presets", "compact:l1")...)
}

func TestStudyPicturesRefusals(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.refuse([]string{"--steps is 0"}, "study", "pictures", "--steps", "0")
	c.refuse([]string{"--voxels is 0, wanted 1"}, "study", "pictures", "--voxels", "0")
	c.refuse([]string{"--strength is 2, wanted"}, "study", "pictures", "--strength", "2", "--starts", "blurry")
	c.refuse([]string{"--strength needs --starts"}, "study", "pictures", "--strength", ".5")
	c.refuse([]string{"--guidance is -1, wanted"}, "study", "pictures", "--guidance", "-1")
	c.refuse([]string{`--method is "heun", wanted one of`}, "study", "pictures", "--method", "heun")
	c.refuse([]string{"--clouds no/clouds.svg: its folder"}, "study", "pictures", "--clouds", "no/clouds.svg")
	c.refuse([]string{"the best is wanted of [0]"}, "study", "pictures", "--best", "0")
	c.refuse([]string{`the priors have "x"`}, "study", "pictures", "--priors", "x")
	c.refuse([]string{"scenes-clip chose the pictures", "engram pretrain --model judge"}, "study", "pictures", "--judge", "scenes-clip")
}
