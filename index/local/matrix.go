package local

import (
	"context"
	"runtime"

	"engram/data/simd"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// Kernels names the kernels that searches use on this machine, such as
// "avx512vnni".
func Kernels() string { return simd.Best().Name }

// Matrix is a set of vectors in memory, laid out and searched as the rows of a
// segment, without an index around them. engram bench measures the scan with it.
type Matrix struct{ rows column.Rows }

// NewMatrix returns rows × dim zeros.
func NewMatrix(rows, dim int) *Matrix {
	m := &Matrix{rows: column.New(dim, rows)}
	for i := range m.rows.IDs {
		m.rows.IDs[i] = index.ID(i)
	}
	return m
}

// Row returns row i, which the caller may set to a vector of unit length before
// calling Encode.
func (m *Matrix) Row(i int) []float32 { return m.rows.Vector(i) }

// Encode makes the int8 code of row i. Different rows can be encoded at the same
// time.
func (m *Matrix) Encode(i int) { m.rows.Quantise(i) }

// WithoutCodes returns the same vectors without their codes: a search compares
// all of them in float32.
func (m *Matrix) WithoutCodes() *Matrix { return &Matrix{rows: m.rows.WithoutCodes()} }

// Search returns the k rows nearest to q, which has unit length, with their
// numbers as ids. It uses as many goroutines as the program may run.
func (m *Matrix) Search(ctx context.Context, q []float32, k int) ([]index.Hit, error) {
	scan := flat.Scan{Threads: runtime.GOMAXPROCS(0)}
	matches, err := scan.Search(ctx, nil, []column.Part{{Rows: &m.rows}}, q, k)
	hits := make([]index.Hit, len(matches))
	for i, match := range matches {
		hits[i] = index.Hit{ID: match.ID, Score: match.Score}
	}
	return hits, err
}
