package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"engram/data/half"
	"engram/data/internal/numeric"
)

// RowWriter writes an array of two axes row by row, when it is not known yet
// how many there will be: Close puts their number into the header.
type RowWriter struct {
	w     io.WriteSeeker
	dim   int
	half  bool
	rows  int
	raw   []byte
	start int // length of the header
}

// NewRowWriter starts an array at the beginning of w, which is empty, of rows
// with dim elements each: float32, or float16 with half. It writes in large
// pieces and needs no buffer below it.
func NewRowWriter(w io.WriteSeeker, dim int, half bool) (*RowWriter, error) {
	if dim < 1 {
		return nil, fmt.Errorf("npy: wanted rows of at least one element, found %d", dim)
	}
	r := &RowWriter{w: w, dim: dim, half: half}
	r.raw = append(make([]byte, 0, chunkBytes+4*dim), r.header()...)
	r.start = len(r.raw)
	return r, nil
}

// header returns the header for as many rows as there are.
func (r *RowWriter) header() string {
	descr := "<f4"
	if r.half {
		descr = "<f2"
	}
	return formatHeader([]int{r.rows, r.dim}, descr)
}

// Rows returns how many rows were written.
func (r *RowWriter) Rows() int { return r.rows }

// Write adds one row. As float16 its elements are rounded to the nearest, ties
// to even; what is beyond 65504 becomes infinite, as in NumPy.
func (r *RowWriter) Write(row []float32) error {
	if len(row) != r.dim {
		return fmt.Errorf("npy: row %d has %d elements, wanted %d", r.rows, len(row), r.dim)
	}
	for _, x := range row {
		if r.half {
			r.raw = binary.LittleEndian.AppendUint16(r.raw, half.Bits(x))
		} else {
			r.raw = binary.LittleEndian.AppendUint32(r.raw, math.Float32bits(x))
		}
	}
	r.rows++
	if len(r.raw) < chunkBytes {
		return nil
	}
	return r.flush()
}

func (r *RowWriter) flush() error {
	_, err := r.w.Write(r.raw)
	r.raw = r.raw[:0]
	if err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

// Close writes what is left and the number of rows. It does not close the
// writer below.
func (r *RowWriter) Close() error {
	if err := r.flush(); err != nil {
		return err
	}
	if _, err := r.w.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	header := r.header()
	if len(header) != r.start {
		return fmt.Errorf("npy: the header for %s takes %d bytes, there is room for %d",
			numeric.ShapeString([]int{r.rows, r.dim}), len(header), r.start)
	}
	if _, err := io.WriteString(r.w, header); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}
