package scan

import (
	"fmt"
	"slices"
)

// MeanOfRepeats returns the voxel-wise mean of the scans of one image, [repeats,
// V] → [V], as the published protocols average repeats before decoding (Scotti
// et al. 2023, arXiv 2305.18274, section 4). Every repeat must have voxels
// elements.
func MeanOfRepeats(repeats [][]float32, voxels int) ([]float32, error) {
	if len(repeats) == 0 {
		return nil, fmt.Errorf("scan: the mean of repeats needs 1 scan at least, found none")
	}
	for _, scan := range repeats {
		if len(scan) != voxels {
			return nil, fmt.Errorf("voxels: the decoder reads %d voxels, the scan has %d", voxels, len(scan))
		}
	}
	if len(repeats) == 1 {
		return slices.Clone(repeats[0]), nil
	}
	mean := make([]float32, voxels)
	for _, scan := range repeats {
		for v, beta := range scan {
			mean[v] += beta / float32(len(repeats))
		}
	}
	return mean, nil
}
