package twostage

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"engram/index"
)

// few is how many items a sort by comparison orders as fast as one by digits.
const few = 200

// digit is how many bits of a score bestFirst sorts by at a time: three of them are a
// float32.
const digit = 11

// bestFirst returns items in order, the best first, equal scores by ascending id and NaN
// last. It is a radix sort from the least significant digit on (Knuth, The Art of Computer
// Programming, volume 3, section 5.2.5).
func bestFirst(items []scored) []index.Hit {
	hits := make([]index.Hit, len(items))
	if len(items) <= few {
		for i, item := range items {
			hits[i] = index.Hit{ID: item.id, Score: item.score}
		}
		slices.SortFunc(hits, func(a, b index.Hit) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
		})
		return hits
	}
	memory := sortMemory.Get().(*[]uint64)
	defer sortMemory.Put(memory)
	*memory = slices.Grow((*memory)[:0], 2*len(items))[:2*len(items)]
	from, to := (*memory)[:len(items)], (*memory)[len(items):] // place and row
	var counts [3][1 << digit]int
	for row, item := range items {
		key := place(item.score)
		from[row] = uint64(key)<<32 | uint64(row)
		for d := range counts {
			counts[d][key>>(d*digit)&(1<<digit-1)]++
		}
	}
	for d := range counts {
		at := 0
		for value, n := range counts[d] {
			counts[d][value] = at
			at += n
		}
		for _, x := range from {
			next := &counts[d][x>>(32+d*digit)&(1<<digit-1)]
			to[*next] = x
			*next++
		}
		from, to = to, from
	}
	for i, x := range from {
		item := items[uint32(x)]
		hits[i] = index.Hit{ID: item.id, Score: item.score}
	}
	for i := 0; i < len(from); {
		end := i + 1
		for ; end < len(from) && from[end]>>32 == from[i]>>32; end++ {
		}
		if end > i+1 {
			slices.SortFunc(hits[i:end], func(a, b index.Hit) int { return cmp.Compare(a.ID, b.ID) })
		}
		i = end
	}
	return hits
}

// sortMemory and scoreMemory serve one search after the other: what a search leaves behind
// makes the garbage collector run, for which the searches beside it wait.
var (
	sortMemory  = sync.Pool{New: func() any { return new([]uint64) }}
	scoreMemory = sync.Pool{New: func() any { return new([]scored) }}
)

// place returns a number that is the smaller the larger a score is.
func place(score float32) uint32 {
	if score != score {
		return math.MaxUint32
	}
	bits := math.Float32bits(score + 0) // -0 is 0
	if bits>>31 == 1 {
		return bits
	}
	return math.MaxInt32 - bits
}
