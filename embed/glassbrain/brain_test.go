package glassbrain_test

import (
	"slices"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/embed/glassbrain"

	"github.com/google/go-cmp/cmp"
)

// An axis that grows to the left, and a volume whose axes are turned, are shown as the
// body lies.
func TestViewsKeepTheSidesOfTheBody(t *testing.T) {
	// The axes of the volume point up, left and back; voxels of 2, 3 and 4 mm.
	mask := &nifti.Mask{Shape: [3]int{2, 2, 2}, Index: []int{0, 1, 2, 4}, Geometry: nifti.Geometry{
		Affine:    nifti.Affine{{0, -3, 0, 0}, {0, 0, -4, 0}, {2, 0, 0, 0}},
		VoxelSize: [3]float64{2, 3, 4},
	}}
	brain, err := glassbrain.New(mask, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Values: 1 at the front, right and low end; 2 behind it; 3 left of it; 4 above it.
	pixels, err := brain.Project([]float32{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{ // rows from above, without the margin
		"axial": {3, 4, 0, 2}, "coronal": {0, 4, 3, 2}, "sagittal": {0, 4, 2, 3},
	}
	for i, view := range brain.Views() {
		var inner []float32
		for y := 1; y < view.Height-1; y++ {
			for x := 1; x < view.Width-1; x++ {
				if v := pixels[i][y*view.Width+x]; v == v {
					inner = append(inner, v)
				} else {
					inner = append(inner, 0)
				}
			}
		}
		if diff := cmp.Diff(want[view.Name], inner); diff != "" {
			t.Errorf("%s (-want +got)\n%s", view.Name, diff)
		}
	}
	if size := brain.Views()[2].Pixel; size != [2]float64{4, 2} {
		t.Errorf("a pixel from the right is %v mm, wanted 4 along the head and 2 up", size)
	}
}

// A block has one outline, and a hole another one.
func TestOutlineOfARing(t *testing.T) {
	mask := &nifti.Mask{Shape: [3]int{5, 5, 1}}
	var ring []int
	for i := range 25 {
		if x, y := i/5, i%5; x == 0 || x == 4 || y == 0 || y == 4 {
			ring = append(ring, len(mask.Index))
			mask.Index = append(mask.Index, i)
		}
	}
	brain, err := glassbrain.New(mask, []glassbrain.Region{{Name: "ring", Voxels: ring}})
	if err != nil {
		t.Fatal(err)
	}
	var lengths []int
	for _, line := range brain.Views()[0].Outlines[0] {
		lengths = append(lengths, len(line)/2)
	}
	slices.Sort(lengths)
	if diff := cmp.Diff([]int{12, 20}, lengths); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBrainRefuses(t *testing.T) {
	mask := &nifti.Mask{Shape: [3]int{2, 1, 1}, Index: []int{0, 1}}
	if _, err := glassbrain.New(&nifti.Mask{Shape: [3]int{1, 1, 1}}, nil); err == nil || !strings.Contains(err.Error(), "no voxels") {
		t.Errorf("a mask without voxels: %v", err)
	}
	if _, err := glassbrain.New(mask, []glassbrain.Region{{Name: "V1", Voxels: []int{2}}}); err == nil || !strings.Contains(err.Error(), `"V1" has voxel 2, the mask has 2`) {
		t.Errorf("a region outside: %v", err)
	}
	brain, err := glassbrain.New(mask, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := brain.Project([]float32{1}); err == nil || !strings.Contains(err.Error(), "1 voxels, the brain has 2") {
		t.Errorf("a short scan: %v", err)
	}
}
