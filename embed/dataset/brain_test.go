package dataset_test

import (
	"strings"
	"testing"

	"engram/embed/dataset"

	"github.com/google/go-cmp/cmp"
)

// Regions come from a table with a line per voxel or from an image of labels.
func TestRegionsOfVoxels(t *testing.T) {
	mask := writeVolumes(t, "mask.nii.gz", 0, 1, 0, 1, 1, 0, 0, 1)
	lines := writeTable(t, "voxels.csv", "voxel,area\n0,V2\n1,V1\n2,\n3,V2\n")
	labels := writeVolumes(t, "labels.nii", 9, 10, 9, 2, 0, 9, 9, 10)
	for path, want := range map[string]map[string][]int{
		"":     {},
		lines:  {"V1": {1}, "V2": {0, 3}},
		labels: {"2": {1}, "10": {0, 3}},
	} {
		brain, order, err := dataset.Anatomy{Mask: mask, Regions: path}.Open()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]int{}
		for _, r := range brain.Regions() {
			got[r.Name] = r.Voxels
		}
		if diff := cmp.Diff(want, got); diff != "" || brain.Voxels() != 4 || order.Count != 4 {
			t.Errorf("%q: %d voxels (-want +got)\n%s", path, brain.Voxels(), diff)
		}
	}
	for content, want := range map[string]string{
		"voxel,area\n0,V1\n":  "has 1 lines, wanted one for each of the mask's 4 voxels",
		"voxel,name\n0,V1\n":  "area",
		"area\nV1\nV1\nV1\n9": "", // any words will do
	} {
		_, _, err := dataset.Anatomy{Mask: mask, Regions: writeTable(t, "regions.csv", content)}.Open()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %q", content, err, want)
		}
	}
}
