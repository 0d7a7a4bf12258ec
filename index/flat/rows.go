package flat

import (
	"math/bits"

	"engram/index"
)

// Rows are vectors in ascending order of id, column by column. The columns
// have padded rows (see VectorStride), so that each row starts on a cache line
// when the column does. Rows are read only.
type Rows struct {
	Dim     int
	IDs     []index.ID
	Vectors []float32 // [len(IDs), VectorStride(Dim)], unit length

	// What Quantise made of each vector; nil where there are no codes.
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

// Vector returns the vector of row i without copying it.
func (r *Rows) Vector(i int) []float32 {
	return r.Vectors[i*VectorStride(r.Dim):][:r.Dim:r.Dim]
}

// Part is what a scan sees of one set of rows: those that are not dead and that
// its filter chooses.
type Part struct {
	*Rows
	Dead Bits
	// Filter makes a Chooser for one goroutine; nil chooses every row.
	Filter func() Chooser
}

// Chooser reports whether a row may be a match. A search asks about each row
// once at most, and only about those whose score would make them one.
type Chooser func(row int) (bool, error)

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

// Set adds row i, for which there must be room.
func (b Bits) Set(i int) { b[i>>6] |= 1 << (i & 63) }
