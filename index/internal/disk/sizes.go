package disk

import "engram/index/internal/column"

// RowSize is what one row takes up, in memory and in a file, in bytes. Its payload
// comes on top, and in a file SumSize bytes for each block of BlockSize.
type RowSize struct {
	ID, End         int // End is where its payload ends
	Code            int
	Scale, Residual int
	Vector          int
}

// RowSizes returns the size of a row of dim elements.
func RowSizes(dim int) RowSize {
	return RowSize{
		ID: 8, End: 8,
		Code:  column.CodeStride(dim),
		Scale: 4, Residual: 4,
		Vector: 4 * column.VectorStride(dim),
	}
}

// Total is the size of the whole row.
func (r RowSize) Total() int { return r.ID + r.End + r.Code + r.Scale + r.Residual + r.Vector }
