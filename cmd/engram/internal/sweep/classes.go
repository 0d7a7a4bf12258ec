package sweep

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"engram/index"
	"engram/index/verify"
)

const (
	// pivots is how many items filters choose items near to or far from, and turnedEach
	// how many queries are made of each.
	pivots, turnedEach = 8, 25
)

// shares of the items that filters choose; 0 is one item.
var shares = [...]float64{1, .99, .9, .5, .1, .01, .001, .0001, 0}

// matches returns how many of n items a share is.
func matches(share float64, n int) int { return max(1, int(share*float64(n))) }

// classes are the payloads of the items. Under each key an item has the least class that
// it belongs to: class c has the items that come first in the key's order, as many as
// share len(shares)-1-c.
type classes struct {
	queries [][]float32 // turnedEach of each pivot
	outside [][]float32 // of another distribution than the items, as many or none
	of      map[string][]uint8
}

// newClasses reads all vectors, and orders the items by chance and by each pivot.
func newClasses(ctx context.Context, rows source, seed uint64, done func(n, total int64)) (*classes, error) {
	n := rows.count()
	rng := rand.New(rand.NewPCG(seed, 4))
	c := &classes{of: map[string][]uint8{"random": classOf(rng.Perm(n))}}
	var vectors [pivots][]float32
	for i := range vectors {
		row := rng.IntN(n)
		from := row / batchRows * batchRows
		batch, err := rows.read(ctx, from, min(batchRows, n-from))
		if err != nil {
			return nil, err
		}
		vectors[i] = slices.Clone(batch[row-from])
		for range turnedEach {
			c.queries = append(c.queries, verify.Turned(rng, vectors[i]))
		}
	}
	scores := make([][]float32, pivots)
	for lo := 0; lo < n; lo += batchRows {
		batch, err := rows.read(ctx, lo, min(batchRows, n-lo))
		if err != nil {
			return nil, err
		}
		for i, pivot := range vectors {
			for _, v := range batch {
				scores[i] = append(scores[i], dot(v, pivot))
			}
		}
		done(int64(lo+len(batch)), int64(n))
	}
	for i, s := range scores {
		order := make([]int, n)
		for row := range order {
			order[row] = row
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(s[b], s[a]), cmp.Compare(a, b)) })
		c.of[nearKey(i)] = classOf(order)
		slices.Reverse(order)
		c.of[farKey(i)] = classOf(order)
	}
	return c, nil
}

// dot returns the inner product of two vectors.
func dot(a, b []float32) (sum float32) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// classOf returns the class of each item of an order.
func classOf(order []int) []uint8 {
	class := make([]uint8, len(order))
	for rank, item := range order {
		for i, share := range slices.Backward(shares[:]) {
			if rank < matches(share, len(order)) {
				class[item] = uint8(len(shares) - 1 - i)
				break
			}
		}
	}
	return class
}

// indexes are the payload keys.
func (c *classes) indexes() map[string]index.PayloadKind {
	keys := map[string]index.PayloadKind{}
	for key := range c.of {
		keys[key] = index.Number
	}
	return keys
}

// payload returns the payload of an item.
func (c *classes) payload(item int) index.Payload {
	p := index.Payload{}
	for key, class := range c.of {
		p[key] = int64(class[item])
	}
	return p
}

// labelled is a source whose items have payloads.
type labelled struct {
	source
	*classes
}
