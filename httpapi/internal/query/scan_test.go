package query

import (
	"slices"
	"testing"
)

func TestStripIsBoundedAndKeepsOrder(t *testing.T) {
	row := make([]float32, 15724)
	for i := range row {
		row[i] = float32(i)
	}
	drawn := Strip([][]float32{row, row})
	if len(drawn) != stripCells || !slices.IsSorted(drawn) {
		t.Errorf("strip of %d rising voxels has %d cells, sorted %v", len(row), len(drawn), slices.IsSorted(drawn))
	}
	// The ends of a uniform distribution lie √3 standard deviations out.
	if first, last := drawn[0], drawn[stripCells-1]; first != -58 || last != 58 {
		t.Errorf("strip runs from %d to %d, want -58 to 58", first, last)
	}
	if flat := Strip([][]float32{{4, 4, 4}}); slices.Max(flat) != 0 || slices.Min(flat) != 0 {
		t.Errorf("strip of equal voxels is %v, want zeros", flat)
	}
}
