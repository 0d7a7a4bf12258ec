package results

import (
	"engram/index"
	"engram/index/internal/simd"
)

// rounding is how far the inner product of two float32 unit vectors may lie from their
// cosine, so that a vector is a near-duplicate of itself at a cosine of 1.
const rounding = 1e-6

// products computes inner products of vectors of one length.
type products struct{ out [1]float32 }

func (p *products) of(a, b []float32) float64 {
	simd.Best().DotRows(p.out[:], a, b, len(a))
	return float64(p.out[0])
}

// folder finds the near-duplicates among the hits of a ranking. A hit is one where its
// vector has a cosine of from at least with the vector of an earlier hit that is none;
// it belongs to the first such hit.
type folder struct {
	from    float64
	vectors [][]float32 // of the hits that are kept
	products
}

// duplicate returns which of the hits that were kept v is a near-duplicate of, by
// their order. Otherwise v is kept.
func (f *folder) duplicate(v []float32) (of int, found bool) {
	for i, kept := range f.vectors {
		if f.of(kept, v) >= f.from-rounding {
			return i, true
		}
	}
	f.vectors = append(f.vectors, v)
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
