package query

import (
	"fmt"
	"slices"

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

// Rows returns the repeats of a scan for a decoder of the given number of voxels. Numbers
// without a shape are cut into rows of that many, where they are several times as many.
func (p *Part) Rows(voxels int) [][]float32 {
	if !p.Flat || voxels < 1 || len(p.Repeats[0]) <= voxels || len(p.Repeats[0])%voxels != 0 || len(p.Repeats[0]) > voxels*MaxRepeats {
		return p.Repeats
	}
	return slices.Collect(slices.Chunk(p.Repeats[0], voxels))
}
