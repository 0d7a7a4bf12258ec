package dataset

import (
	"fmt"

	"engram/data/npy"
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
	return v.Matrix()
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

// Targets reads embeddings of t tokens of d elements from a .npy file,
// [images, t, d], or [images, d] where t is 1, as rows of t·d elements.
func Targets(path string, t, d int) (blas32.General, error) {
	array, err := npy.ReadFile(path)
	if err != nil {
		return blas32.General{}, err
	}
	fits := len(array.Shape) > 1 && array.Shape[0] > 0 && array.Shape[len(array.Shape)-1] == d &&
		(len(array.Shape) == 2 && t == 1 || len(array.Shape) == 3 && array.Shape[1] == t)
	if !fits {
		return blas32.General{}, fmt.Errorf("%s has shape %v, the model gives %d token(s) of %d elements", path, array.Shape, t, d)
	}
	m := blas32.General{Rows: array.Shape[0], Cols: t * d, Stride: t * d, Data: array.Float32s()}
	return m, checkFinite(path, m)
}
