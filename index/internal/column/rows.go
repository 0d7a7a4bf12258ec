package column

import (
	"math/bits"

	"engram/index"
)

// Rows are vectors, in ascending order of id but in a segment that is extended in memory
// (see disk.Segment.Extend), column by column. A row of a column
// is padded (see VectorStride and CodeStride), so that each row starts on a cache
// line when the column does. A search only reads them.
type Rows struct {
	Dim     int
	IDs     []index.ID
	Vectors []float32 // [len(IDs), VectorStride(Dim)], unit length

	// Read reads the vector of a row from the file where Vectors lies, into dst of Dim
	// elements. It is nil where Vectors is no file. A vector that is read through a map
	// stays in the memory that the process holds, one of Read does not.
	Read func(dst []float32, row int) error
	// Check compares a row in the file with its checksums. It is nil where there are none.
	Check func(row int) error

	// The results of Quantise for each vector; nil where there are no codes.
	Codes     []int8    // [len(IDs), CodeStride(Dim)]
	Scales    []float32 // [len(IDs)]
	Residuals []float32 // [len(IDs)]
}

// VectorStride is the number of float32 elements that a row of dim elements
// takes up, the next multiple of 16.
func VectorStride(dim int) int { return (dim + 15) &^ 15 }

// CodeStride is the number of bytes that the code of a row of dim elements
// takes up, the next multiple of 64.
func CodeStride(dim int) int { return (dim + 63) &^ 63 }

// New returns rows of zeros, with room for codes.
func New(dim, rows int) Rows {
	return Rows{
		Dim: dim, IDs: make([]index.ID, rows),
		Vectors: make([]float32, rows*VectorStride(dim)),
		Codes:   make([]int8, rows*CodeStride(dim)),
		Scales:  make([]float32, rows), Residuals: make([]float32, rows),
	}
}

// Vector returns the vector of row i without copying it.
func (r *Rows) Vector(i int) []float32 {
	return r.Vectors[i*VectorStride(r.Dim):][:r.Dim:r.Dim]
}

// Load returns the vector of row i: read into buf, which has room for Dim elements,
// where the rows have Read, and else where it lies in memory.
func (r *Rows) Load(buf []float32, i int) ([]float32, error) {
	if r.Read == nil {
		return r.Vector(i), nil
	}
	buf = buf[:r.Dim]
	return buf, r.Read(buf, i)
}

// Code returns the code of row i without copying it.
func (r *Rows) Code(i int) []int8 {
	return r.Codes[i*CodeStride(r.Dim):][:r.Dim:r.Dim]
}

// Quantise sets code, scale and residual of row i by its vector.
func (r *Rows) Quantise(i int) {
	r.Scales[i], r.Residuals[i] = Quantise(r.Code(i), r.Vector(i))
}

// WithoutCodes returns the same rows without their codes.
func (r *Rows) WithoutCodes() Rows {
	return Rows{Dim: r.Dim, IDs: r.IDs, Vectors: r.Vectors, Read: r.Read, Check: r.Check}
}

// Bits is a set of row numbers, one bit each. The zero value is empty.
type Bits []uint64

// Has reports whether row i is in the set.
func (b Bits) Has(i int) bool {
	word := i >> 6
	return word < len(b) && b[word]>>(i&63)&1 != 0
}

// Count returns the size of the set.
func (b Bits) Count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// Clone returns a copy with room for rows row numbers.
func (b Bits) Clone(rows int) Bits {
	c := make(Bits, (rows+63)/64)
	copy(c, b)
	return c
}

// Remove takes the rows of another set out of this one.
func (b Bits) Remove(other Bits) {
	for i, word := range other[:min(len(b), len(other))] {
		b[i] &^= word
	}
}

// Set adds row i, for which there must be room.
func (b Bits) Set(i int) { b[i>>6] |= 1 << (i & 63) }
