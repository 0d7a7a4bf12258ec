package dataset

import (
	"context"
	"fmt"

	"engram/embed"

	"gonum.org/v1/gonum/blas/blas32"
)

// Matrix reads rows of finite numbers, [n, d], from a .npy file or, where mask
// names the NIfTI file of one, the voxels of a mask from every volume of a NIfTI
// image. mask is "" for a .npy file.
func Matrix(path, mask string) (blas32.General, error) {
	v, err := Recording{Path: path, Mask: mask}.Open()
	if err != nil {
		return blas32.General{}, err
	}
	defer v.Close()
	return v.Matrix(context.Background())
}

// Rows reads the rows of a file that are asked for, counted from 0; see Matrix
// for the files. Without a choice the file must have one row; a .npy file of one
// axis is one row.
func Rows(path, mask string, choice []int) ([][]float32, error) {
	v, err := Recording{Path: path, Mask: mask}.Open()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return v.Rows(choice)
}

// checkFinite says where a matrix of the file at path is not finite.
func checkFinite(path string, m blas32.General) error {
	if i := embed.FirstNotFinite(m.Data); i >= 0 {
		return fmt.Errorf("%s: element %d of row %d is %v: %w", path, i%m.Cols, i/m.Cols, m.Data[i], embed.ErrNotFinite)
	}
	return nil
}
