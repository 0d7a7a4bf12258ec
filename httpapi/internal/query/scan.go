package query

import (
	"fmt"

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
