package scanner

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/mindeye"
	"engram/data/nifti"
	"engram/data/npy"
)

// recording is a small scan of 12 images; images 2 and 5 are shared.
func recording(t testing.TB, s *Subject) Recording {
	t.Helper()
	return Recording{
		Responses: mustRespond(t, s, deadLeaves(12, 1)), Trials: trialsOf(t, Schedule{SessionTrials: 10}, 12),
		Seed: 5, Shared: []int{2, 5},
	}
}

func readLines(t testing.TB, path string) [][]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTableIsReadBack(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	r := recording(t, s)
	want := scanned(t, s, r.Responses, r.Trials, r.Seed)
	for _, number := range []DataType{Float32, Int16} {
		dir := filepath.Join(t.TempDir(), "subject")
		if err := s.WriteTable(dir, r, number); err != nil {
			t.Fatal(err)
		}
		array, err := npy.ReadFile(filepath.Join(dir, "voxels.npy"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{36, 200}, array.Shape); diff != "" {
			t.Fatal(diff)
		}
		scale, tolerance := 1.0, 0.0
		if number == Int16 {
			scale, tolerance = int16Scale, 0.5
		}
		for i, v := range array.Float32s() {
			if wanted := scale * float64(want[i/200][i%200]); math.Abs(float64(v)-wanted) > tolerance {
				t.Fatalf("element %d is %g, want %g", i, v, wanted)
			}
		}
		mask, err := nifti.OpenMask(filepath.Join(dir, "mask.nii.gz"), nifti.Labels{})
		if err != nil {
			t.Fatal(err)
		}
		mask.Geometry = nifti.Geometry{} // which a subject does not know
		if diff := cmp.Diff(s.Mask(), mask); diff != "" {
			t.Errorf("mask: (-want +got)\n%s", diff)
		}
		checkAbout(t, filepath.Join(dir, "dataset.json"), scale)
		checkTrials(t, filepath.Join(dir, "trials.csv"), r)
		voxels := readLines(t, filepath.Join(dir, "voxels.csv"))
		if len(voxels) != 201 || voxels[1][4] != s.Voxels()[0].Area.String() {
			t.Errorf("voxels.csv has %d lines, the first voxel %v", len(voxels), voxels[1])
		}
	}
}

func checkAbout(t *testing.T, path string, scale float64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var about map[string]any
	if err := json.Unmarshal(raw, &about); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"simulated": true, "voxels": 200.0, "trials": 36.0, "sessions": 6.0, "scale": scale} {
		if about[key] != want {
			t.Errorf("dataset.json says %s: %v, want %v", key, about[key], want)
		}
	}
}

func checkTrials(t *testing.T, path string, r Recording) {
	t.Helper()
	lines := readLines(t, path)
	if len(lines) != 37 {
		t.Fatalf("trials.csv has %d lines, want 37", len(lines))
	}
	for i, trial := range r.Trials {
		shared := 0
		if trial.Image == 2 || trial.Image == 5 {
			shared = 1
		}
		want := strings.Fields(fmt.Sprint(trial.Image, trial.Session, trial.Place, trial.Repeat, shared))
		if diff := cmp.Diff(want, lines[i+1]); diff != "" {
			t.Fatalf("trial %d: (-want +got)\n%s", i, diff)
		}
	}
}

func TestTrialsCanHaveNames(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	r := recording(t, s)
	for i := range 12 {
		r.Names = append(r.Names, fmt.Sprintf("train/%02d.png", i))
	}
	dir := t.TempDir()
	if err := s.WriteTable(dir, r, Float32); err != nil {
		t.Fatal(err)
	}
	if got := readLines(t, filepath.Join(dir, "trials.csv"))[1][0]; got != r.Names[r.Trials[0].Image] {
		t.Errorf("the first trial's image is %q, want %q", got, r.Names[r.Trials[0].Image])
	}
}

func picture(image int) (string, []byte, error) {
	return "png", []byte("picture " + strconv.Itoa(image)), nil
}

func TestTarsAreReadBack(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	r := recording(t, s)
	dir := t.TempDir()
	if err := s.WriteTars(dir, r, Tars{Subject: 1, Picture: picture, Validation: 3}); err != nil {
		t.Fatal(err)
	}
	totals, err := mindeye.ReadTotals(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := (mindeye.Totals{Train: 7, Val: 3, Test: 2}); totals != want {
		t.Errorf("totals are %+v, want %+v", totals, want)
	}
	want := scans(t, s, r)
	var images, test []int
	for _, split := range []string{"train", "val", "test"} {
		for sample, err := range mindeye.ReadFile(filepath.Join(dir, mindeye.TarName(split, 1, 0))) {
			if err != nil {
				t.Fatal(err)
			}
			if split == "test" {
				test = append(test, sample.Number)
			}
			images = append(images, sample.Number)
			checkSample(t, sample, r, want)
		}
	}
	slices.Sort(images)
	slices.Sort(test)
	if diff := cmp.Diff(upTo(12), images); diff != "" {
		t.Errorf("images: %s", diff)
	}
	if diff := cmp.Diff([]int{2, 5}, test); diff != "" {
		t.Errorf("test images: %s", diff)
	}
}

// scans returns the z-scored trials of a recording in double precision.
func scans(t *testing.T, s *Subject, r Recording) [][]float64 {
	t.Helper()
	rows := scanned(t, s, r.Responses, r.Trials, r.Seed)
	out := make([][]float64, len(rows))
	for i := range rows {
		out[i] = make([]float64, len(s.voxels))
	}
	for v := range s.voxels {
		for i, trial := range r.Trials {
			var sum, squares, n float64
			for j, other := range r.Trials {
				if other.Session == trial.Session {
					x := float64(rows[j][v])
					sum, squares, n = sum+x, squares+x*x, n+1
				}
			}
			out[i][v] = (float64(rows[i][v]) - sum/n) / math.Sqrt(squares/n-sum*sum/n/n)
		}
	}
	return out
}

func checkSample(t *testing.T, sample *mindeye.Sample, r Recording, want [][]float64) {
	t.Helper()
	_, file, _ := picture(sample.Number)
	if sample.Format != "png" || !bytes.Equal(sample.Picture, file) || sample.Repeats != 3 || sample.Uniques != 3 {
		t.Fatalf("sample %d is %s %q, %d of %d repeats", sample.Number, sample.Format, sample.Picture, sample.Uniques, sample.Repeats)
	}
	for k, trial := range sample.Trials {
		if r.Trials[trial].Image != sample.Number || r.Trials[trial].Repeat != k {
			t.Fatalf("sample %d: repeat %d is trial %d, %+v", sample.Number, k, trial, r.Trials[trial])
		}
		for v, got := range sample.Voxels[k*200:][:200] {
			if math.Abs(float64(got)-want[trial][v]) > 1e-4 {
				t.Fatalf("sample %d, repeat %d, voxel %d is %g, want %g", sample.Number, k, v, got, want[trial][v])
			}
		}
	}
}

// An image that was seen once or twice still has three rows: a, a, a or a, b, a.
func TestTarsFillMissingRepeats(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	r := recording(t, s)
	r.Trials = []Trial{{Image: 1}, {Place: 1, Image: 3}, {Place: 2, Image: 3, Repeat: 1}}
	dir := t.TempDir()
	if err := s.WriteTars(dir, r, Tars{Subject: 7, Picture: picture}); err != nil {
		t.Fatal(err)
	}
	got := make(map[int][]int64)
	for sample, err := range mindeye.ReadFile(filepath.Join(dir, "train", "train_subj07_0.tar")) {
		if err != nil {
			t.Fatal(err)
		}
		got[sample.Number] = append(sample.Trials, sample.Uniques)
	}
	if diff := cmp.Diff(map[int][]int64{1: {0, 0, 0, 1}, 3: {1, 2, 1, 2}}, got); diff != "" {
		t.Errorf("trials and uniques: (-want +got)\n%s", diff)
	}
}

func TestWritersRefuseWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	gone := errors.New("the picture is gone")
	for _, c := range []struct {
		change func(*Recording, *Tars)
		want   string
	}{
		{func(r *Recording, _ *Tars) { r.Shared = []int{12} }, "scanner: image 12 is shared, there are responses to 12"},
		{func(r *Recording, _ *Tars) { r.Names = []string{"a"} }, "scanner: there are 1 names for 12 images"},
		{func(r *Recording, _ *Tars) { r.Trials[3].Image = 99 }, "scanner: trial 3: it shows image 99"},
		{func(_ *Recording, tars *Tars) { tars.Validation = 11 }, "wanted 0 to 10 images for validation, found 11"},
		{func(_ *Recording, tars *Tars) {
			tars.Picture = func(int) (string, []byte, error) { return "", nil, gone }
		}, "the picture is gone"},
	} {
		r, tars := recording(t, s), Tars{Subject: 1, Picture: picture}
		c.change(&r, &tars)
		err := s.WriteTars(t.TempDir(), r, tars)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
	}
	r := recording(t, s)
	r.Shared = []int{-1}
	if err := s.WriteTable(t.TempDir(), r, Float32); err == nil {
		t.Error("a shared image that is not there was accepted")
	}
}
