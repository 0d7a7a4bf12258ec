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
	from, to := make([]uint64, len(ranked)), make([]uint64, len(ranked)) // place and row
	var counts [3][1 << digit]int
	for row, item := range ranked {
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
	in := slices.Clone(ranked)
	for i, x := range from {
		ranked[i] = in[uint32(x)]
	}
	for i := 0; i < len(from); {
		end := i + 1
		for ; end < len(from) && from[end]>>32 == from[i]>>32; end++ {
		}
		if end > i+1 {
			slices.SortFunc(ranked[i:end], func(a, b scored) int { return cmp.Compare(a.id, b.id) })
		}
		i = end
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
