package twostage

import (
	"cmp"
	"math"
	"slices"
)

// few is how many items a sort by comparison orders as fast as one by digits.
const few = 200

// digit is how many bits of a score bestFirst sorts by at a time: three of them are a
// float32.
const digit = 11

// bestFirst orders items, NaN last. It is a radix sort from the least significant digit on
// (Knuth, The Art of Computer Programming, volume 3, section 5.2.5).
func bestFirst(ranked []scored) {
	if len(ranked) <= few {
		slices.SortFunc(ranked, func(a, b scored) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
		})
		return
	}
	type keyed struct {
		key uint32 // the smaller, the better
		scored
	}
	from, to := make([]keyed, len(ranked)), make([]keyed, len(ranked))
	var counts [3][1 << digit]int
	for i, item := range ranked {
		key := place(item.score)
		from[i] = keyed{key, item}
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
		for _, item := range from {
			next := &counts[d][item.key>>(d*digit)&(1<<digit-1)]
			to[*next] = item
			*next++
		}
		from, to = to, from
	}
	for i := 0; i < len(from); {
		end := i + 1
		for ; end < len(from) && from[end].key == from[i].key; end++ {
		}
		if end > i+1 {
			slices.SortFunc(from[i:end], func(a, b keyed) int { return cmp.Compare(a.id, b.id) })
		}
		for ; i < end; i++ {
			ranked[i] = from[i].scored
		}
	}
}

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
