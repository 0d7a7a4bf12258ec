package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/nifti"
	"engram/data/npy"
	"engram/embed"

	"gonum.org/v1/gonum/blas/blas32"
)

// Matrix reads rows of finite numbers, [n, d], from a .npy file or, where mask
// names the NIfTI file of one, the voxels of a mask from every volume of a NIfTI
// image. mask is "" for a .npy file.
func Matrix(path, mask string) (blas32.General, error) {
	var none blas32.General
	if isNIfTI(path) {
		return readVolumes(path, mask)
	}
	if mask != "" {
		return none, fmt.Errorf("%s is no NIfTI file, so that the mask has no use", path)
	}
	array, err := npy.ReadFile(path)
	if err != nil {
		return none, err
	}
	if len(array.Shape) != 2 || array.Shape[0] == 0 || array.Shape[1] == 0 {
		return none, fmt.Errorf("%s has shape %v, wanted rows of numbers: [n, d]", path, array.Shape)
	}
	return finite(path, array.Shape[0], array.Float32s())
}

// readVolumes reads the voxels of a mask from every volume of a NIfTI image.
func readVolumes(path, mask string) (blas32.General, error) {
	var none blas32.General
	if mask == "" {
		return none, fmt.Errorf("%s is a NIfTI file, which needs a mask that says which voxels to use", path)
	}
	m, err := nifti.OpenMask(mask, nifti.Labels{})
	if err != nil {
		return none, err
	}
	img, err := nifti.Open(path)
	if err != nil {
		return none, err
	}
	data, err := img.Masked(m)
	if err != nil {
		return none, err
	}
	if len(data) == 0 {
		return none, fmt.Errorf("%s with the mask %s has no voxels", path, mask)
	}
	return finite(path, img.NumVolumes(), data)
}

// isNIfTI tells by the name whether a file is a NIfTI image.
func isNIfTI(path string) bool {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	return slices.Contains([]string{".nii", ".hdr", ".img"}, filepath.Ext(name))
}

// finite returns data as a matrix of so many rows, or where it is not finite.
func finite(path string, rows int, data []float32) (blas32.General, error) {
	cols := len(data) / rows
	if i := embed.FirstNotFinite(data); i >= 0 {
		return blas32.General{}, fmt.Errorf("%s: element %d of row %d is %v: %w", path, i%cols, i/cols, data[i], embed.ErrNotFinite)
	}
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}, nil
}

// Rows reads the rows of a file that are asked for, counted from 0; see Matrix
// for the files. Without a choice the file must have one row; a .npy file of one
// axis is one row.
func Rows(path, mask string, choice []int) ([][]float32, error) {
	if isNIfTI(path) || mask != "" {
		m, err := Matrix(path, mask)
		if err != nil {
			return nil, err
		}
		return chooseRows(path, m.Rows, choice, func(i int) ([]float32, error) {
			return m.Data[i*m.Stride:][:m.Cols], nil
		})
	}
	file, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	shape := file.Shape()
	switch {
	case len(shape) > 2 || slices.Contains(shape, 0):
		return nil, fmt.Errorf("%s has shape %v, wanted a row of numbers [d] or rows of them [n, d]", path, shape)
	case len(shape) == 1:
		return chooseRows(path, 1, choice, func(int) ([]float32, error) {
			row := make([]float32, shape[0])
			return row, file.Read(row, 0, len(row))
		})
	}
	return chooseRows(path, shape[0], choice, func(i int) ([]float32, error) {
		row := make([]float32, shape[1])
		return row, file.Read(row, i, 1)
	})
}

// chooseRows returns the chosen ones of n rows of the file at path, which must
// be finite.
func chooseRows(path string, n int, choice []int, read func(i int) ([]float32, error)) ([][]float32, error) {
	if len(choice) == 0 {
		if n > 1 {
			return nil, fmt.Errorf("%s has %d rows, choose among rows 0…%d", path, n, n-1)
		}
		choice = []int{0}
	}
	rows := make([][]float32, len(choice))
	for i, number := range choice {
		if number < 0 || number >= n {
			return nil, fmt.Errorf("%s has rows 0…%d, not row %d", path, n-1, number)
		}
		row, err := read(number)
		if err != nil {
			return nil, err
		}
		if at := embed.FirstNotFinite(row); at >= 0 {
			return nil, fmt.Errorf("%s: element %d of row %d is %v: %w", path, at, number, row[at], embed.ErrNotFinite)
		}
		rows[i] = row
	}
	return rows, nil
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
	return finite(path, array.Shape[0], array.Float32s())
}
