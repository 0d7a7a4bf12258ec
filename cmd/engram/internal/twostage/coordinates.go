package twostage

import (
	"slices"
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
	Offsets(coordinates blas32.General, repeats int) []float32
	Score(query []float32, coordinates blas32.General, offsets []float32) ([]float32, error)
	Confidence(scores []float32, repeats int) (probability float64, known bool)
}

// coordinates keeps the coordinates of items, as many as there is room for; the
// oldest make way for new ones. Beside them it may keep the vectors that the items had
// at that time, which tell whether an item was replaced since. It is safe for
// concurrent use.
type coordinates struct {
	scorer Scorer
	dim    int // elements of a vector beside the coordinates; 0: none are kept

	mu      sync.RWMutex
	room    int              // items
	slots   map[index.ID]int // the row of each item
	ids     []index.ID       // of each row
	rows    blas32.General   // [rows, K], the vector of a row lies behind its coordinates
	next    int              // the row that is replaced next, once there is no room
	offsets map[int][]float32
}

// newCoordinates returns room for so many bytes of coordinates and vectors, and for
// least items at least.
func newCoordinates(scorer Scorer, dim, bytes, least int) *coordinates {
	k := scorer.Dim()
	return &coordinates{
		scorer: scorer, dim: dim, room: max(bytes/(4*(k+dim)), least), slots: map[index.ID]int{}, offsets: map[int][]float32{},
		rows: blas32.General{Cols: k, Stride: k + dim},
	}
}

// add keeps the coordinates of items, and their vectors where these are kept.
func (c *coordinates) add(items []mapped) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stride := c.rows.Stride
	clear(c.offsets)
	for _, item := range items {
		at, kept := c.slots[item.id]
		switch {
		case kept:
		case c.rows.Rows < c.room:
			at = c.rows.Rows
			c.ids, c.rows.Data = append(c.ids, item.id), append(c.rows.Data, make([]float32, stride)...)
			c.rows.Rows++
		default:
			at = c.next
			delete(c.slots, c.ids[at])
			c.ids[at] = item.id
			c.next = (c.next + 1) % c.room
		}
		c.slots[item.id] = at
		row := c.rows.Data[at*stride:][:stride]
		copy(row[copy(row, item.row):], item.vector)
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

// scoreAll appends every item that is kept, with its score, to room.
func (c *coordinates) scoreAll(room []scored, query []float32, repeats int) ([]scored, error) {
	for {
		c.findOffsets(repeats)
		if out, done, err := c.scoreRows(room, query, repeats); done {
			return out, err
		}
	}
}

// scoreRows scores every row. It is not done where the offsets are no longer known,
// because items were added since they were found.
func (c *coordinates) scoreRows(room []scored, query []float32, repeats int) (out []scored, done bool, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	offsets, known := c.offsets[repeats]
	if !known {
		return nil, false, nil
	}
	scores, err := c.scorer.Score(query, c.rows, offsets)
	if err != nil {
		return nil, true, err
	}
	room = slices.Grow(room, len(scores))
	for i, s := range scores {
		room = append(room, scored{c.ids[i], s})
	}
	return room, true, nil
}

// sameScore is how far the first stage's score of an item may be from the score of
// the vector that is kept. Rounding moves it by 1e-5; another image's score is within
// 1e-4 of it in a query out of a few hundred.
const sameScore = 1e-4

// score scores the candidates that are kept, and returns the others. A candidate whose
// vector is not the one that is kept, by its score for the unit vector global, was
// replaced since and is one of the others.
func (c *coordinates) score(query, global []float32, hits []index.Hit, repeats int) (out []scored, others []index.ID, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k := c.rows.Cols
	some := blas32.General{Cols: k, Stride: k}
	var kept []index.ID
	for _, h := range hits {
		at, there := c.slots[h.ID]
		if !there || !c.current(at, global, h.Score) {
			others = append(others, h.ID)
			continue
		}
		kept = append(kept, h.ID)
		some.Data = append(some.Data, c.rows.Data[at*c.rows.Stride:][:k]...)
		some.Rows++
	}
	scores, err := c.scorer.Score(query, some, c.scorer.Offsets(some, repeats))
	for i, s := range scores {
		out = append(out, scored{kept[i], s})
	}
	return out, others, err
}

// current reports whether the vector of a row has this score.
func (c *coordinates) current(at int, global []float32, score float32) bool {
	if c.dim == 0 {
		return true
	}
	vector := c.rows.Data[at*c.rows.Stride+c.rows.Cols:][:c.dim]
	own := blas32.Dot(blas32.Vector{N: c.dim, Inc: 1, Data: vector}, blas32.Vector{N: c.dim, Inc: 1, Data: global})
	return own-score <= sameScore && score-own <= sameScore
}
