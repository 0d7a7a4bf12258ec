package voxels_test

import (
	"errors"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/embed/voxels"
)

func mask(x float64, index ...int) voxels.Order {
	return voxels.OfMask(&nifti.Mask{
		Shape: [3]int{2, 3, 2}, Index: index,
		Geometry: nifti.Geometry{Affine: nifti.Affine{{2, 0, 0, x}, {0, 2, 0, 0}, {0, 0, 2, 0}}},
	})
}

func TestADecoderReadsItsOwnVoxels(t *testing.T) {
	other := mask(0, 1, 4)
	other.Shape = [3]int{3, 2, 2}
	for name, test := range map[string]struct {
		decoder, scan voxels.Order
		says          string
		refused       bool
	}{
		"the same mask":       {mask(0, 1, 4), mask(.001, 1, 4), "the decoder's mask of 2 voxels (", false},
		"as many voxels":      {mask(0, 1, 4), mask(0, 1, 5), "2 voxels of another mask (", true},
		"another number":      {mask(0, 1, 4), mask(0, 1, 4, 5), "reads 2 voxels, the scan has 3", true},
		"another place":       {mask(0, 1, 4), mask(2, 1, 4), "put a voxel 2 mm apart", true},
		"another volume":      {mask(0, 1, 4), other, "of 2×3×2 voxels, the scan's of 3×2×2", true},
		"an old decoder":      {voxels.Order{}, mask(0, 1, 4), "does not record which voxels it reads; only their number, 2,", false},
		"arrays":              {voxels.OfArray(2), voxels.OfArray(2), "arrays have no mask; only their number, 2,", false},
		"arrays of two sizes": {voxels.OfArray(2), voxels.OfArray(3), "reads 2 voxels, the scan has 3", true},
		"an array's decoder":  {voxels.OfArray(2), mask(0, 1, 4), "trained on an array without a mask", false},
		"an array as scan":    {mask(0, 1, 4), voxels.OfArray(2), "the scan is an array without a mask", false},
	} {
		says, err := test.decoder.Check(test.scan)
		if err != nil {
			says = err.Error()
		}
		if errors.Is(err, voxels.ErrOther) != test.refused || !strings.Contains(says, test.says) {
			t.Errorf("%s: %q, error %v; want %q", name, says, err, test.says)
		}
	}
}
