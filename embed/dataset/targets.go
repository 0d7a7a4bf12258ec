package dataset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/npy"
	"engram/data/parquet"

	"gonum.org/v1/gonum/blas/blas32"
)

// Targets reads embeddings of t tokens of d elements from a .npy file,
// [images, t, d], or [images, d] where t is 1, as rows of t·d elements.
func Targets(path string, t, d int) (blas32.General, error) {
	rows, images, err := OpenTargets(path, t, d)
	if err != nil {
		return blas32.General{}, err
	}
	defer rows.Close()
	m := blas32.General{Rows: images, Cols: t * d, Stride: t * d, Data: make([]float32, images*t*d)}
	if err := rows.Read(m.Data, 0, images); err != nil {
		return blas32.General{}, err
	}
	return m, checkFinite(path, m)
}

// OpenTargets opens the file of Targets, to read some images at a time, and says how
// many there are.
func OpenTargets(path string, t, d int) (*npy.Rows, int, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, 0, err
	}
	shape := rows.Shape()
	fits := len(shape) > 1 && shape[0] > 0 && shape[len(shape)-1] == d &&
		(len(shape) == 2 && t == 1 || len(shape) == 3 && shape[1] == t)
	if !fits {
		rows.Close()
		return nil, 0, fmt.Errorf("%s has shape %v, the model gives %d token(s) of %d elements", path, shape, t, d)
	}
	return rows, shape[0], nil
}

// TargetNames returns what the images of embeddings are called, where the file at
// path is img_emb_N.npy in LAION's layout and its metadata_N.parquet has a column
// image_path, path or key. Else it returns nil.
func TargetNames(path string) ([]string, error) {
	number, isShard := strings.CutPrefix(filepath.Base(path), "img_emb_")
	number, isArray := strings.CutSuffix(number, ".npy")
	if !isShard || !isArray {
		return nil, nil
	}
	name := "metadata_" + number + ".parquet"
	for _, place := range []string{filepath.Join(filepath.Dir(path), "..", "metadata", name), filepath.Join(filepath.Dir(path), name)} {
		names, err := readNames(place)
		if !errors.Is(err, fs.ErrNotExist) {
			return names, err
		}
	}
	return nil, nil
}

// readNames returns the column of a Parquet file that names images, nil where it has
// none.
func readNames(path string) (names []string, err error) {
	file, err := parquet.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for _, column := range []string{"image_path", "path", "key"} {
		if !slices.ContainsFunc(file.Columns(), func(c parquet.Column) bool { return c.Name == column }) {
			continue
		}
		rows, err := file.Rows(column)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		block := make([]map[string]any, 1024)
		for {
			n, err := rows.Read(block)
			for _, row := range block[:n] {
				names = append(names, fmt.Sprint(row[column]))
			}
			if errors.Is(err, io.EOF) {
				return names, nil
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}
