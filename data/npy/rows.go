package npy

import (
	"fmt"
	"os"
	"slices"

	"engram/data/internal/numeric"
)

// Rows reads rows of an array, which are its slices along the first axis, from
// an open file, and holds none of it. Read may be called concurrently; Close
// must come after.
type Rows struct {
	path string
	f    *os.File
	h    *header
	len  int // elements of one row
}

// OpenRows opens the file at path, whose size must be what its header says. A
// scalar has no rows and is refused.
func OpenRows(path string) (*Rows, error) {
	f, h, err := open(path)
	if err != nil {
		return nil, err
	}
	if len(h.shape) == 0 {
		f.Close()
		return nil, fmt.Errorf("npy: %s: wanted an array with rows, found a scalar", path)
	}
	rowLen, err := numeric.Count(h.shape[1:])
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return &Rows{path: path, f: f, h: h, len: rowLen}, nil
}

// Shape returns the shape of the whole array; Shape()[0] is the number of rows.
func (r *Rows) Shape() []int { return slices.Clone(r.h.shape) }

// Type returns NumPy's name of the elements' type, such as "float16".
func (r *Rows) Type() string { return r.h.dtype.String() }

// Close closes the file.
func (r *Rows) Close() error { return r.f.Close() }

// Read writes rows from to from+n-1 to dst as float32 (see Array.Float32s), in
// C order: n times the product of Shape()[1:] elements, which dst must hold.
// A file in Fortran order scatters a row over the whole file, so that reading
// few rows at a time takes many small reads there.
func (r *Rows) Read(dst []float32, from, n int) error {
	rows := r.h.shape[0]
	if from < 0 || n < 0 || from > rows-n {
		return fmt.Errorf("npy: %s: wanted %d rows from row %d, the array has %d", r.path, n, from, rows)
	}
	if len(dst) < n*r.len {
		return fmt.Errorf("npy: %s: %d rows take %d elements, the buffer has %d", r.path, n, n*r.len, len(dst))
	}
	dst = dst[:n*r.len]
	raw := make([]byte, min(chunkBytes, len(dst)*r.h.dtype.size))
	var err error
	if r.h.fortran && len(r.h.shape) > 1 {
		err = r.readFortran(dst, from, n, raw)
	} else {
		err = r.readRun(dst, from*r.len, raw)
	}
	if err != nil {
		return fmt.Errorf("npy: %s: rows %d to %d: %w", r.path, from, from+n-1, err)
	}
	return nil
}

// readRun converts len(dst) elements that lie together in the file, the first
// being element number at, through the buffer raw.
func (r *Rows) readRun(dst []float32, at int, raw []byte) error {
	size := r.h.dtype.size
	for len(dst) > 0 {
		n := min(len(dst), len(raw)/size)
		if _, err := r.f.ReadAt(raw[:n*size], r.h.offset+int64(at)*int64(size)); err != nil {
			return err
		}
		if err := r.h.dtype.float32s(dst[:n], raw[:n*size]); err != nil {
			return err
		}
		dst, at = dst[n:], at+n
	}
	return nil
}

// readFortran reads n rows of a file in Fortran order, where the elements that
// neighbouring rows have at one position lie side by side: one run of n
// elements for every position within a row. Together the runs are the n rows
// in Fortran order.
func (r *Rows) readFortran(dst []float32, from, n int, raw []byte) error {
	runs := make([]float32, len(dst))
	for k := range r.len {
		if err := r.readRun(runs[k*n:(k+1)*n], k*r.h.shape[0]+from, raw); err != nil {
			return err
		}
	}
	shape := slices.Clone(r.h.shape)
	shape[0] = n
	toCOrder(dst, runs, shape)
	return nil
}
