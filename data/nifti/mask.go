package nifti

import (
	"fmt"

	"engram/data/internal/numeric"
)

// Mask is a choice of voxels of a volume.
type Mask struct {
	Shape [3]int // voxels along X, Y and Z
	// Index has the chosen voxels as positions in a volume in C order,
	// ascending.
	Index []int
}

// OpenMask reads the mask in the image at path: its voxels that are not zero.
func OpenMask(path string) (*Mask, error) {
	img, err := Open(path)
	if err != nil {
		return nil, err
	}
	return img.Mask(func(v float32) bool { return v != 0 })
}

// Mask returns the voxels of an image of one volume whose value keep accepts.
// NSD's nsdgeneral, for one, holds −1 outside the region: keep v >= 1 there.
func (img *Image) Mask(keep func(v float32) bool) (*Mask, error) {
	if img.h.volumes != 1 {
		return nil, fmt.Errorf("nifti: %swanted one volume as mask, found %s", img.name, numeric.ShapeString(img.Shape))
	}
	mask := &Mask{Shape: img.h.volume}
	for volume, err := range img.Volumes() {
		if err != nil {
			return nil, err
		}
		for i, v := range volume {
			if keep(v) {
				mask.Index = append(mask.Index, i)
			}
		}
	}
	return mask, nil
}

// Masked returns the voxels of mask in every volume: a row-major matrix
// [NumVolumes, len(mask.Index)].
func (img *Image) Masked(mask *Mask) ([]float32, error) {
	if mask.Shape != img.h.volume {
		return nil, fmt.Errorf("nifti: %sthe volumes are %s, the mask is %s",
			img.name, numeric.ShapeString(img.h.volume[:]), numeric.ShapeString(mask.Shape[:]))
	}
	var out []float32
	for volume, err := range img.Volumes() {
		if err != nil {
			return nil, err
		}
		for _, i := range mask.Index {
			out = append(out, volume[i])
		}
	}
	return out, nil
}
