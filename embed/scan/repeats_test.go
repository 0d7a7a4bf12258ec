package scan_test

import (
	"slices"
	"strings"
	"testing"

	"engram/embed/scan"
)

func TestMeanOfRepeats(t *testing.T) {
	mean, err := scan.MeanOfRepeats([][]float32{{1, 2}, {3, -4}}, 2)
	if err != nil || !slices.Equal(mean, []float32{2, -1}) {
		t.Errorf("the mean is %v, %v, want [2 -1]", mean, err)
	}
	if _, err := scan.MeanOfRepeats([][]float32{{1, 2}, {3}}, 2); err == nil || !strings.Contains(err.Error(), "reads 2 voxels, the scan has 1") {
		t.Errorf("repeats of two sizes: %v", err)
	}
	if _, err := scan.MeanOfRepeats(nil, 2); err == nil {
		t.Error("no repeats have a mean")
	}
}
