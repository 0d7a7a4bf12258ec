package dataset_test

import (
	"path/filepath"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/embed/dataset"
	"engram/embed/voxels"

	"github.com/google/go-cmp/cmp"
)

// writeVolumes writes an image of 2×2×2 voxels.
func writeVolumes(t *testing.T, name string, values ...float32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	layout := nifti.Layout{Shape: []int{2, 2, 2}, VoxelSize: [3]float32{2, 2, 2}}
	if len(values) > 8 {
		layout.Shape = append(layout.Shape, len(values)/8)
	}
	if err := nifti.WriteFile(path, layout, values); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRecordingsOfVolumes(t *testing.T) {
	values := make([]float32, 16)
	for i := range values {
		values[i] = float32(i)
	}
	bold := writeVolumes(t, "bold.nii", values...)
	regions := writeVolumes(t, "regions.nii.gz", 0, 1, -1, 2, 3, 0, 0, 1)
	v, err := dataset.Recording{Path: bold, Mask: regions, Labels: "1,3"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	m, err := v.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{1, 4, 7, 9, 12, 15}, m.Data); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := bold + " by " + regions + ", 3 of 8 voxels, 1 negative left out: 2 trials of 3 voxels"; v.String() != want {
		t.Errorf("%q, want %q", v, want)
	}
	if row, err := v.Row(1); err != nil || !cmp.Equal(row, []float32{9, 12, 15}) {
		t.Errorf("row 1 is %v, %v", row, err)
	}
	if v.Order.Source != voxels.FromMask || v.Order.Count != 3 || len(v.Warnings) != 0 {
		t.Errorf("order %+v, warnings %q", v.Order, v.Warnings)
	}
	for want, r := range map[string]dataset.Recording{
		"the mask has the labels 1 (2 voxels), 2 (1 voxels), 3 (1 voxels); wanted": {Path: bold, Mask: regions},
		"no voxel has the label 7":                 {Path: bold, Mask: regions, Labels: "7"},
		`--labels has "x"`:                         {Path: bold, Mask: regions, Labels: "1,x"},
		`--labels has "3-1"`:                       {Path: bold, Mask: regions, Labels: "3-1"},
		"so that the mask has no use":              {Path: "v.npy", Labels: "1"},
		"wanted one volume as mask, found 2×2×2×2": {Path: bold, Mask: bold},
	} {
		if _, err := r.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	for labels, want := range map[string]int{"all": 4, "1-2": 3, "3": 1} {
		v, err := dataset.Recording{Path: bold, Mask: regions, Labels: labels}.Open()
		if err != nil || v.Count != want {
			t.Errorf("labels %s: %v, %v; want %d voxels", labels, v, err, want)
		}
	}
}

// Runs follow each other in natural order, and lie in one place.
func TestRunsOfOneRecording(t *testing.T) {
	dir := t.TempDir()
	writeNPY(t, filepath.Join(dir, "run-10.npy"), []float32{7, 8}, 1, 2)
	writeNPY(t, filepath.Join(dir, "run-9.npy"), []float32{1, 2, 3, 4, 5, 6}, 3, 2)
	v, err := dataset.Recording{Path: filepath.Join(dir, "run-*.npy")}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	m, err := v.Matrix(t.Context())
	if err != nil || !cmp.Equal(m.Data, []float32{1, 2, 3, 4, 5, 6, 7, 8}) || m.Rows != 4 {
		t.Errorf("matrix %v, %v", m, err)
	}
	if row, err := v.Row(3); err != nil || !cmp.Equal(row, []float32{7, 8}) {
		t.Errorf("row 3 is %v, %v", row, err)
	}
	if want := "2 runs in natural order, " + filepath.Join(dir, "run-9.npy") + " … " + filepath.Join(dir, "run-10.npy") + ": 4 trials of 2 voxels"; v.String() != want {
		t.Errorf("%q, want %q", v, want)
	}
	writeNPY(t, filepath.Join(dir, "run-11.npy"), []float32{7, 8, 9}, 1, 3)
	_, err = dataset.Recording{Path: filepath.Join(dir, "run-{9..11}.npy")}.Open()
	if err == nil || !strings.Contains(err.Error(), "must have the same voxels, found 2 and 3") {
		t.Errorf("error is %v, want the numbers of voxels", err)
	}
	if _, err := (dataset.Recording{Path: filepath.Join(dir, "session-*.npy")}).Open(); err == nil {
		t.Error("a pattern of no file is accepted")
	}
}

// Scans of an array are read one by one.
func TestRecordingsOfArrays(t *testing.T) {
	path := writeNPY(t, filepath.Join(t.TempDir(), "v.npy"), []int16{1, 2, 3, 4, 5, 6}, 3, 2)
	v, err := dataset.Recording{Path: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	row, err := v.Row(2)
	if err != nil || !cmp.Equal(row, []float32{5, 6}) || v.Order != voxels.OfArray(2) {
		t.Errorf("row 2 is %v, %v, of %+v", row, err, v.Order)
	}
}
