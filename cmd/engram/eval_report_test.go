package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
)

// writeSubject writes scans of the 16 photos, each seen twice, that answer to pixels
// with noise, and a table that says to which row of photos an image belongs.
func writeSubject(t *testing.T, dir string, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	patterns := make([]float32, 16*40)
	for i := range patterns {
		patterns[i] = float32(rng.NormFloat64())
	}
	var scans []float32
	table := "image,row\n"
	for trial := range 32 {
		image := trial % 16
		for _, v := range patterns[image*40:][:40] {
			scans = append(scans, v+.3*float32(rng.NormFloat64()))
		}
		row := fmt.Sprintf("r%d", image/8)
		if image == 15 {
			row = "n/a"
		}
		table += fmt.Sprintf("p%d%d.png,%s\n", image/4, image%4, row)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeNPY(t, filepath.Join(dir, "voxels.npy"), scans, 32, 40)
	writeFile(t, filepath.Join(dir, "trials.csv"), []byte(table))
}

// Two subjects with two decoders each: every table is there, subsets have their own
// candidates, decoders are paired, and means are over subjects.
func TestEvalOfSeveralSubjectsAndDecoders(t *testing.T) {
	t.Parallel()
	c, photos, dir := newCLI(t), writePhotos(t), t.TempDir()
	for seed, subject := range []string{"s1", "s2"} {
		at := filepath.Join(dir, subject)
		writeSubject(t, at, uint64(seed))
		for _, preset := range []string{"linear", "gains"} {
			c.must("train", "--voxels", filepath.Join(at, "voxels.npy"), "--stimuli", photos, "--trials", filepath.Join(at, "trials.csv"), "--preset", preset, "--out", filepath.Join(at, preset))
		}
	}
	corner := filepath.Join(dir, "corner.txt")
	writeFile(t, corner, []byte("p00.png\np01.png\n\n2\n"))
	at := filepath.Join(dir, "{subject}")
	args := []string{
		"eval", "--voxels", filepath.Join(at, "voxels.npy"), "--stimuli", photos, "--trials", filepath.Join(at, "trials.csv"),
		"--subjects", "s1,s2", "--decoder", filepath.Join(at, "linear"), "--decoder", filepath.Join(at, "gains"),
		"--subset", "corner=" + corner, "--subset-column", "row", "--similarity", "decoder,token-cosine",
	}
	html, table := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.csv")
	var got app.Evaluation
	c.json(&got, append(args, "--html", html, "--csv", table)...)
	if len(got.Subjects) != 2 || got.Subjects[1].Name != "s2" {
		t.Fatalf("subjects are %+v", got.Subjects)
	}
	s := got.Subjects[1]
	// 2 decoders × 2 repeats × 2 similarities × (all, and three subsets among all and alone)
	if len(s.Sets) != 2*2*2*7 || len(s.Paired) != 2 || len(s.Reliability) != 4 || len(s.Examples) != 2*16 {
		t.Errorf("%d sets, %d pairs, %d reliabilities, %d examples", len(s.Sets), len(s.Paired), len(s.Reliability), len(s.Examples))
	}
	for _, r := range s.Sets {
		want := map[string]int{"all": 16, "corner": 3, "row=r0": 8, "row=r1": 7}[r.Set]
		if among := map[string]int{app.AmongAll: 16, app.AmongSet: want}[r.Among]; r.Predictions != want || r.Candidates != among {
			t.Errorf("set %s among %s has %d predictions and %d candidates", r.Set, r.Among, r.Predictions, r.Candidates)
		}
		if r.Decoder != filepath.Join(at, "linear") && r.Decoder != filepath.Join(at, "gains") {
			t.Errorf("the decoder is named %s", r.Decoder)
		}
	}
	if len(got.Over) != len(s.Sets) || got.Over[0].Subjects != 2 {
		t.Errorf("%d means over subjects, want one for each of %d rows", len(got.Over), len(s.Sets))
	}
	mean := (got.Subjects[0].Sets[0].ImageTop1.Share + s.Sets[0].ImageTop1.Share) / 2
	if o := got.Over[0].ImageTop1; o.Mean != mean || o.Low > mean || o.High < mean {
		t.Errorf("the mean over subjects is %+v, want %v", o, mean)
	}
	// Of two subjects there are four sign flips, two of them as extreme as the data.
	if p := got.OverPaired; len(p) != 2 || p[0].Subjects != 2 || p[0].Top1P < .5 || p[0].Adjusted != p[0].Top1P ||
		math.Abs(p[0].Top1.Mean-(got.Subjects[0].Paired[0].Top1.Mean+s.Paired[0].Top1.Mean)/2) > 1e-12 {
		t.Errorf("paired over subjects: %+v", p)
	}
	report, err := os.ReadFile(html)
	if err != nil || strings.Count(string(report), "<h2>Subject ") != 2 || !strings.Contains(string(report), "data:image/jpeg") {
		t.Errorf("the report: %v, %.300s", err, report)
	}
	raw, err := os.ReadFile(table)
	if lines, errCSV := csv.NewReader(strings.NewReader(string(raw))).ReadAll(); err != nil || errCSV != nil || len(lines) < 200 {
		t.Errorf("the CSV has %d lines: %v, %v", len(lines), err, errCSV)
	}
	text := c.must(args...)
	for _, want := range []string{"subject s1\n", "\nmeans over 2 subjects", "\npaired over 2 subjects (sign flips of the subjects' differences: p is 0.5000 at least)", "less " + at, "AURC (best)", "row=r1"} {
		if !strings.Contains(text, want) {
			t.Errorf("eval prints no %q:\n%s", want, text)
		}
	}
	refusals := map[string][]string{
		"--subjects names s1 twice":                        {"--subjects", "s1,s1"},
		`--subset is "x", wanted NAME=FILE or NAME=FILTER`: {"--subjects", "s1", "--subset", "x"},
		`no image is named "nobody.png"`:                   {"--subjects", "s1", "--subset", "x=" + filepath.Join(dir, "bad.txt")},
		`similarity "near" is not known, wanted`:           {"--subjects", "s1", "--similarity", "near"},
		"--html: stat /nowhere":                            {"--subjects", "s1", "--html", "/nowhere/r.html"},
	}
	refusals["--subset x is a filter, which needs --gallery-index"] = []string{"--subjects", "s1", "--subset", `x={"key":"path","exists":true}`}
	writeFile(t, filepath.Join(dir, "bad.txt"), []byte("nobody.png\n"))
	for want, more := range refusals {
		c.refuse([]string{want}, append(args[:7:7], more...)...)
	}
	// A subject without files is found before the first one's are read.
	writeFile(t, filepath.Join(dir, "spoilt", "voxels.npy"), []byte("no voxels"))
	writeFile(t, filepath.Join(dir, "spoilt", "trials.csv"), nil)
	c.refuse([]string{"subject nobody: stat"}, "eval", "--voxels", filepath.Join(at, "voxels.npy"), "--stimuli", photos, "--trials", filepath.Join(at, "trials.csv"), "--subjects", "spoilt,nobody")
	c.refuse([]string{"--subjects needs {subject}"}, "eval", "--voxels", filepath.Join(dir, "s1", "voxels.npy"), "--stimuli", photos, "--subjects", "s1")
}
