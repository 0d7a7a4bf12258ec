package scan_test

import (
	"testing"

	"engram/embed/scan"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
)

// Seven trials of one voxel: image 4 is seen three times, image 2 twice and the
// others once.
func TestRepeatsOfImages(t *testing.T) {
	images := []int{4, 2, 4, 0, 2, 4, 1}
	voxels := blas32.General{Rows: 7, Cols: 1, Stride: 1, Data: []float32{1, 2, 3, 4, 6, 8, 5}}
	for repeats, want := range map[int][]float32{1: {1, 2, 4, 5}, 2: {2, 4, 4, 5}, 9: {4, 4, 4, 5}} {
		means, seen, err := scan.Average(voxels, images, repeats)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{4, 2, 0, 1}, seen); diff != "" {
			t.Errorf("images (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, means.Data); diff != "" {
			t.Errorf("means of %d repeats (-want +got):\n%s", repeats, diff)
		}
	}
	// Two images seen twice leave as many deviations as one seen three times; the
	// smaller number of repeats has more images.
	var got [][]float32
	for _, m := range scan.Repeats(voxels, images) {
		got = append(got, m.Data)
	}
	if diff := cmp.Diff([][]float32{{1, 2}, {3, 6}}, got); diff != "" {
		t.Errorf("repeats (-want +got):\n%s", diff)
	}
	if scan.Repeats(voxels, []int{0, 1, 2, 3, 4, 5, 6}) != nil {
		t.Error("images that were seen once have repeats")
	}
}

func TestRepeatCounts(t *testing.T) {
	for most, want := range map[int][]int{1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 3, 4}, 35: {1, 2, 3, 35}} {
		images := append(make([]int, most), 7)
		if diff := cmp.Diff(want, scan.RepeatCounts(images)); diff != "" {
			t.Errorf("at most %d repeats (-want +got):\n%s", most, diff)
		}
	}
}
