package twostage

import (
	"slices"
	"testing"

	"engram/index"

	"gonum.org/v1/gonum/blas/blas32"
)

// product is a metric of one coordinate, whose offset is the coordinate too.
type product struct{ Scorer }

func (product) Dim() int { return 1 }

func (product) Offsets(c blas32.General, _ int) (out []float32) {
	for i := range c.Rows {
		out = append(out, c.Data[i*c.Stride])
	}
	return out
}

func (product) Score(q []float32, c blas32.General, offsets []float32) (out []float32, err error) {
	for i := range c.Rows {
		out = append(out, q[0]*c.Data[i*c.Stride]+offsets[i])
	}
	return out, nil
}

// Items make way for new ones, the oldest first, and are then no longer known; nothing
// but their ids tells them from others here. Scores are always of the rows as they are.
func TestTheOldestItemsMakeWay(t *testing.T) {
	const room = 3
	c := newCoordinates(product{}, 0, 1, room)
	hits := make([]index.Hit, 7)
	for i := range hits {
		hits[i].ID = index.ID(i)
		c.add([]mapped{{id: index.ID(i), row: []float32{float32(i)}}})
		var want []scored
		var gone []index.ID
		for j := range i + 1 {
			if j <= i-room {
				gone = append(gone, index.ID(j))
				continue
			}
			want = append(want, scored{index.ID(j), 3 * float32(j)})
		}
		some, others, err := c.score([]float32{2}, nil, hits[:i+1], 1)
		if err != nil || !slices.Equal(some, want) || !slices.Equal(others, gone) {
			t.Errorf("after item %d: scores %v, not known %v, error %v; want %v and %v", i, some, others, err, want, gone)
		}
		all, err := c.scoreAll(nil, []float32{2}, 1)
		hits := bestFirst(all)
		for i, h := range hits {
			all[len(all)-1-i] = scored{h.ID, h.Score}
		}
		if err != nil || !slices.Equal(all, want) {
			t.Errorf("after item %d: scores of all %v, error %v; want %v", i, all, err, want)
		}
	}
}
