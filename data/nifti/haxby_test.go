package nifti_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"engram/data/nifti"
	"engram/data/realtest"
)

// haxby is subject 1 of Haxby et al. 2001 (Science 293:2425), the part of it
// that PyMVPA distributes.
type haxby struct {
	voxels  [][]float64 // [voxel][volume]
	volumes []haxbyVolume
	runs    [][]int // the volumes of each run
}

// haxbyVolume is what the subject saw in one volume, and in which run.
type haxbyVolume struct {
	Label string
	Run   int
}

// readHaxbyVolumes reads PyMVPA's table of a line "label run" for each volume.
func readHaxbyVolumes(t *testing.T, path string) []haxbyVolume {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var volumes []haxbyVolume
	for line := range strings.Lines(string(raw)) {
		var v haxbyVolume
		if _, err := fmt.Sscan(line, &v.Label, &v.Run); err != nil {
			t.Fatalf("%s: line %d: %v", path, len(volumes)+1, err)
		}
		volumes = append(volumes, v)
	}
	return volumes
}

func loadHaxby(t *testing.T) haxby {
	t.Helper()
	dir := realtest.Path(t, "scans/haxby2001")
	mask, err := nifti.OpenMask(filepath.Join(dir, "mask.nii.gz"), nifti.Labels{})
	if err != nil {
		t.Fatal(err)
	}
	bold, err := nifti.Open(filepath.Join(dir, "bold.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	matrix, err := bold.Masked(mask)
	if err != nil {
		t.Fatal(err)
	}
	volumes := readHaxbyVolumes(t, filepath.Join(dir, "attributes_literal.txt"))
	if len(mask.Index) != 530 || bold.NumVolumes() != 1452 || len(volumes) != 1452 {
		t.Fatalf("%d voxels, %d volumes, %d lines; want 530, 1452, 1452", len(mask.Index), bold.NumVolumes(), len(volumes))
	}
	h := haxby{voxels: make([][]float64, len(mask.Index)), volumes: volumes, runs: make([][]int, 12)}
	for i := range h.voxels {
		for v := range volumes {
			h.voxels[i] = append(h.voxels[i], float64(matrix[v*len(mask.Index)+i]))
		}
	}
	for v, volume := range volumes {
		h.runs[volume.Run] = append(h.runs[volume.Run], v)
	}
	return h
}

// normalise removes each voxel's straight line over each run, where detrend
// says so, and z-scores it by the volumes of the run that reference accepts.
func (h haxby) normalise(detrend bool, reference func(label string) bool) {
	for _, series := range h.voxels {
		for _, run := range h.runs {
			var times, values, base []float64
			for i, v := range run {
				times, values = append(times, float64(i)), append(values, series[v])
			}
			if detrend {
				intercept, slope := stat.LinearRegression(times, values, nil, false)
				for i := range values {
					values[i] -= intercept + slope*times[i]
				}
			}
			for i, v := range run {
				if reference(h.volumes[v].Label) {
					base = append(base, values[i])
				}
			}
			mean, std := stat.PopMeanStdDev(base, nil)
			for i, v := range run {
				series[v] = (values[i] - mean) / std
			}
		}
	}
}

// pattern is the mean over the volumes of a label in the runs that accept.
func (h haxby) pattern(label string, accept func(run int) bool) []float64 {
	out, count := make([]float64, len(h.voxels)), 0
	for v, volume := range h.volumes {
		if volume.Label != label || !accept(volume.Run) {
			continue
		}
		count++
		for i, series := range h.voxels {
			out[i] += series[v]
		}
	}
	for i := range out {
		out[i] /= float64(count)
	}
	return out
}

// nearestTemplate leaves out one run after the other and counts how often the
// mean pattern of a category there correlates best with that category's mean
// over the other runs.
func (h haxby) nearestTemplate(categories []string) (right int) {
	for left := range h.runs {
		templates := make([][]float64, len(categories))
		for i, c := range categories {
			templates[i] = h.pattern(c, func(run int) bool { return run != left })
		}
		for i, c := range categories {
			seen := h.pattern(c, func(run int) bool { return run == left })
			best, bestAt := math.Inf(-1), -1
			for j, template := range templates {
				if r := stat.Correlation(seen, template, nil); r > best {
					best, bestAt = r, j
				}
			}
			if bestAt == i {
				right++
			}
		}
	}
	return right
}

// The categories of held-out runs are told from each other as often as NumPy,
// nibabel and SciPy tell them with the same recipe: a wrong order of voxels or
// of volumes, or a wrong scaling, would not. Chance is 12 of 96.
func TestHaxbyCategoriesAreDecoded(t *testing.T) {
	categories := []string{"bottle", "cat", "chair", "face", "house", "scissors", "scrambledpix", "shoe"}
	all := func(string) bool { return true }
	rest := func(label string) bool { return label == "rest" }
	for _, recipe := range []struct {
		name      string
		detrend   bool
		reference func(label string) bool
		want      int
	}{
		{"z-scored by run", false, all, 49},
		{"detrended, z-scored by run", true, all, 60},
		{"detrended, z-scored by the run's rest", true, rest, 58},
	} {
		h := loadHaxby(t)
		h.normalise(recipe.detrend, recipe.reference)
		right := h.nearestTemplate(categories)
		t.Logf("%s: %d of 96 = %.3f", recipe.name, right, float64(right)/96)
		if right != recipe.want {
			t.Errorf("%s: %d of 96 are right, NumPy gets %d", recipe.name, right, recipe.want)
		}
	}
}

func TestHaxbyLabels(t *testing.T) {
	volumes := readHaxbyVolumes(t, realtest.Path(t, "scans/haxby2001/attributes_literal.txt"))
	counts := map[string]int{}
	for _, v := range volumes {
		counts[v.Label]++
	}
	rest := counts["rest"]
	delete(counts, "rest")
	if rest != 1452-8*108 || len(counts) != 8 {
		t.Errorf("%d volumes of rest and %d categories, want 588 and 8", rest, len(counts))
	}
	for label, n := range counts {
		if n != 12*9 {
			t.Errorf("%s has %d volumes, want 9 in each of 12 runs", label, n)
		}
	}
	if !slices.IsSortedFunc(volumes, func(a, b haxbyVolume) int { return a.Run - b.Run }) {
		t.Error("the runs are not in order")
	}
}
