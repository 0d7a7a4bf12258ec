package twostage

import (
	"sync"

	"engram/index"

	"gonum.org/v1/gonum/blas/blas32"
)

// Scorer compares a prediction with items. scan.Metric is one, and says what its
// methods do.
type Scorer interface {
	Name() string
	Dim() int
	Map(tokens blas32.General) (blas32.General, error)
	Query(predicted []float32, repeats int) ([]float32, error)
	Offsets(coordinates blas32.General, repeats int) []float32
	Score(query []float32, coordinates blas32.General, offsets []float32) ([]float32, error)
}

// coordinates keeps the coordinates of items, as many as there is room for; the
// oldest make way for new ones. It is safe for concurrent use.
type coordinates struct {
	scorer Scorer

	mu      sync.RWMutex
	room    int              // items
	slots   map[index.ID]int // the row of each item
	ids     []index.ID       // of each row
	rows    blas32.General   // [rows, K]
	next    int              // the row that is replaced next, once there is no room
	offsets map[int][]float32
}

func newCoordinates(scorer Scorer, room int) *coordinates {
	return &coordinates{
		scorer: scorer, room: room, slots: map[index.ID]int{}, offsets: map[int][]float32{},
		rows: blas32.General{Cols: scorer.Dim(), Stride: scorer.Dim()},
	}
}

// add keeps the coordinates of items.
func (c *coordinates) add(ids []index.ID, rows blas32.General) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.rows.Cols
	clear(c.offsets)
	for i, id := range ids {
		row := rows.Data[i*rows.Stride:][:k]
		if at, kept := c.slots[id]; kept {
			copy(c.rows.Data[at*k:], row)
			continue
		}
		if c.rows.Rows < c.room {
			c.slots[id] = c.rows.Rows
			c.ids, c.rows.Data = append(c.ids, id), append(c.rows.Data, row...)
			c.rows.Rows++
			continue
		}
		delete(c.slots, c.ids[c.next])
		c.slots[id], c.ids[c.next] = c.next, id
		copy(c.rows.Data[c.next*k:], row)
		c.next = (c.next + 1) % c.room
	}
}

// findOffsets computes the offsets of all rows for means of so many scans. They are
// kept, for they cost more than the inner products.
func (c *coordinates) findOffsets(repeats int) {
	c.mu.RLock()
	_, known := c.offsets[repeats]
	c.mu.RUnlock()
	if known {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offsets[repeats] = c.scorer.Offsets(c.rows, repeats)
}

// scored is an item with its score.
type scored struct {
	id    index.ID
	score float32
}

// scoreAll scores every item that is kept.
func (c *coordinates) scoreAll(query []float32, repeats int) ([]scored, error) {
	c.findOffsets(repeats)
	c.mu.RLock()
	defer c.mu.RUnlock()
	scores, err := c.scorer.Score(query, c.rows, c.offsets[repeats])
	if err != nil {
		return nil, err
	}
	out := make([]scored, len(scores))
	for i, s := range scores {
		out[i] = scored{c.ids[i], s}
	}
	return out, nil
}

// score scores the items of ids that are kept, and returns the others.
func (c *coordinates) score(query []float32, ids []index.ID, repeats int) (out []scored, others []index.ID, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k := c.rows.Cols
	some := blas32.General{Cols: k, Stride: k}
	var kept []index.ID
	for _, id := range ids {
		at, there := c.slots[id]
		if !there {
			others = append(others, id)
			continue
		}
		kept = append(kept, id)
		some.Data = append(some.Data, c.rows.Data[at*k:][:k]...)
		some.Rows++
	}
	scores, err := c.scorer.Score(query, some, c.scorer.Offsets(some, repeats))
	for i, s := range scores {
		out = append(out, scored{kept[i], s})
	}
	return out, others, err
}
