package query

import (
	"fmt"
	"math"

	"engram/embed"
	"engram/httpapi/internal/problem"
)

// CheckScan refuses a scan that a decoder of the given number of voxels
// cannot take.
func CheckScan(repeats [][]float32, voxels int) error {
	if len(repeats) == 0 {
		return fmt.Errorf("the scan has no repeats: %w", problem.ErrVoxels)
	}
	for i, row := range repeats {
		if len(row) != voxels {
			return fmt.Errorf("repeat %d of the scan has %d voxels, the decoder takes %d: %w",
				i, len(row), voxels, problem.ErrVoxels)
		}
		if v := embed.FirstNotFinite(row); v >= 0 {
			return fmt.Errorf("voxel %d of repeat %d is %v: %w", v, i, row[v], embed.ErrNotFinite)
		}
	}
	return nil
}

// stripCells is how many cells the picture of a scan has at most.
const stripCells = 768

// Strip draws a scan: voxels in their order, in up to stripCells equal groups,
// each the mean of its voxels over all repeats, as z-scores over the groups,
// where ±3 standard deviations are ±100.
func Strip(repeats [][]float32) []int8 {
	voxels := len(repeats[0])
	cells := make([]float64, min(voxels, stripCells))
	for i := range cells {
		from, to := i*voxels/len(cells), (i+1)*voxels/len(cells)
		for _, row := range repeats {
			for _, x := range row[from:to] {
				cells[i] += float64(x)
			}
		}
		cells[i] /= float64((to - from) * len(repeats))
	}
	var mean, variance float64
	for _, x := range cells {
		mean += x / float64(len(cells))
	}
	for _, x := range cells {
		variance += (x - mean) * (x - mean) / float64(len(cells))
	}
	drawn := make([]int8, len(cells))
	if variance == 0 {
		return drawn
	}
	for i, x := range cells {
		z := (x - mean) / math.Sqrt(variance)
		drawn[i] = int8(math.Round(100 * max(-1, min(1, z/3))))
	}
	return drawn
}
