package dataset

import (
	"bytes"
	"fmt"

	"engram/data/nifti"
)

// Volumes returns what reads the voxels of the mask from a NIfTI file, plain or gzipped,
// with a volume for each scan: [volumes][voxels]. It refuses a file of more than most bytes,
// unpacked, and one whose volumes do not lie where the mask lies.
func (a Anatomy) Volumes(most int64) (func(file []byte) ([][]float32, error), error) {
	labels, err := parseLabels(a.Labels)
	if err != nil {
		return nil, err
	}
	mask, err := nifti.OpenMask(a.Mask, labels)
	if err != nil {
		return nil, err
	}
	return func(file []byte) ([][]float32, error) {
		img, err := nifti.Read(bytes.NewReader(file), most)
		if err != nil {
			return nil, err
		}
		data, err := img.Masked(mask)
		if err != nil {
			return nil, err
		}
		if len(mask.Index) == 0 {
			return nil, fmt.Errorf("the mask %s has no voxels", a.Mask)
		}
		rows := make([][]float32, len(data)/len(mask.Index))
		for i := range rows {
			rows[i] = data[i*len(mask.Index) : (i+1)*len(mask.Index)]
		}
		return rows, nil
	}, nil
}
