package column

import "engram/index/internal/invariants"

// CheckLayout panics where a column has not one padded row for each id (see
// package invariants).
func (r *Rows) CheckLayout() {
	if !invariants.Enabled {
		return
	}
	n := len(r.IDs)
	invariants.Check(len(r.Vectors) == n*VectorStride(r.Dim), "%d ids and %d elements of vectors, wanted %d rows of %d", n, len(r.Vectors), n, VectorStride(r.Dim))
	if r.Codes == nil {
		return
	}
	invariants.Check(len(r.Codes) == n*CodeStride(r.Dim), "%d ids and %d bytes of codes, wanted %d rows of %d", n, len(r.Codes), n, CodeStride(r.Dim))
	invariants.Check(len(r.Scales) == n && len(r.Residuals) == n, "%d ids, %d scales and %d residuals", n, len(r.Scales), len(r.Residuals))
}

// CheckIDs panics where the ids are not in strictly ascending order.
func (r *Rows) CheckIDs() {
	if !invariants.Enabled {
		return
	}
	for i := 1; i < len(r.IDs); i++ {
		invariants.Check(r.IDs[i-1] < r.IDs[i], "id %d follows id %d", r.IDs[i], r.IDs[i-1])
	}
}
