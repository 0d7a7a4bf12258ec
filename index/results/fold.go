package results

import (
	"engram/data/simd"
	"engram/index"
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

// foldBlock is how many kept vectors are compared with a chunk of hits at a time: 64 of 768
// elements stay in a core's own cache, while the hits go by.
const foldBlock = 64

// folder finds the near-duplicates among the hits of a ranking. A hit is one where its
// vector has a cosine of from at least with the vector of an earlier hit that is none;
// it belongs to the first such hit.
type folder struct {
	from   float64
	blocks [][]float32 // vectors of the hits that are kept, foldBlock in each but the last
	kept   int
	out    [foldBlock]float32

	near     []int // of each hit of the chunk: the first hit kept before the chunk that it is near to; -1: none
	compared int   // hits kept before the chunk
}

// begin compares the vectors of a chunk of hits, nil for none, with all that are kept. Each
// block of these is read once for all hits of the chunk.
func (f *folder) begin(vectors [][]float32) {
	f.near, f.compared = make([]int, len(vectors)), f.kept
	for i := range f.near {
		f.near[i] = -1
	}
	for b := range f.blocks {
		for i, v := range vectors {
			if f.near[i] < 0 && v != nil {
				f.near[i] = f.first(v, b, 0)
			}
		}
	}
}

// first returns the first hit kept in a block, from a row of it on, that v is near to, or -1.
func (f *folder) first(v []float32, block, row int) int {
	rows := f.blocks[block][row*len(v):]
	out := f.out[:len(rows)/len(v)]
	simd.Best().DotRows(out, v, rows, len(v))
	for i, x := range out {
		if float64(x) >= f.from-rounding {
			return block*foldBlock + row + i
		}
	}
	return -1
}

// duplicate returns which of the hits that were kept hit i of the chunk, with the vector v, is
// a near-duplicate of, by their order. Otherwise the hit is kept.
func (f *folder) duplicate(i int, v []float32) (of int, found bool) {
	if f.near[i] >= 0 {
		return f.near[i], true
	}
	for block, row := f.compared/foldBlock, f.compared%foldBlock; block < len(f.blocks); block, row = block+1, 0 {
		if of := f.first(v, block, row); of >= 0 {
			return of, true
		}
	}
	if f.kept%foldBlock == 0 {
		f.blocks = append(f.blocks, nil)
	}
	last := &f.blocks[len(f.blocks)-1]
	*last = append(*last, v...)
	f.kept++
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
