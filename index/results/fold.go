package results

import (
	"engram/index"
	"engram/index/internal/simd"
)

// rounding is how far the inner product of two float32 unit vectors may lie from their
// cosine, so that a vector is a near-duplicate of itself at a cosine of 1.
const rounding = 1e-6

// matrix keeps vectors of one length one after the other.
type matrix struct {
	rows [][]float32 // blocks of blockRows vectors
	n    int
	dim  int // elements of a vector
}

// blockRows is how many vectors lie together: thousands are added without being
// copied again and again.
const blockRows = 256

// add appends a vector.
func (m *matrix) add(v []float32) {
	if m.n%blockRows == 0 {
		m.rows = append(m.rows, make([]float32, 0, len(v)*min(blockRows, max(16, m.n))))
	}
	last := len(m.rows) - 1
	m.rows[last] = append(m.rows[last], v...)
	m.n++
	m.dim = len(v)
}

// vector returns vector i.
func (m *matrix) vector(i int) []float32 {
	return m.rows[i/blockRows][i%blockRows*m.dim:][:m.dim]
}

// products sets out, one element for each vector, to the inner products with v.
func (m *matrix) products(out []float32, v []float32) {
	kernels := simd.Best()
	for i, block := range m.rows {
		part := out[i*blockRows:]
		kernels.DotRows(part[:min(blockRows, len(part))], v, block, len(v))
	}
}

// folder finds the near-duplicates among the hits of a ranking. A hit is one where its
// vector has a cosine of from at least with the vector of an earlier hit that is none;
// it belongs to the first such hit.
type folder struct {
	from     float64
	vectors  matrix // of the hits that are kept
	products []float32
}

// duplicate returns which of the hits that were kept v is a near-duplicate of, by
// their order. Otherwise v is kept.
func (f *folder) duplicate(v []float32) (of int, found bool) {
	if cap(f.products) < f.vectors.n {
		f.products = make([]float32, 2*f.vectors.n+16)
	}
	out := f.products[:f.vectors.n]
	f.vectors.products(out, v)
	for i, x := range out {
		if float64(x) >= f.from-rounding {
			return i, true
		}
	}
	f.vectors.add(v)
	return 0, false
}

// Hit is a hit with what it stands for.
type Hit struct {
	index.Hit
	// Folded are its near-duplicates among the hits that rank before the next page
	// begins, in the order of the ranking.
	Folded []index.ID
	// Group is nil unless hits are grouped.
	Group *Group
}

// Group is what has one value under the payload key.
type Group struct {
	Value any // string, bool, int64 or float64
	// Others are the next hits of the group, best first.
	Others []Hit
}
