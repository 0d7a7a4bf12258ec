package graph

import (
	"fmt"

	"engram/index"
)

// Degree is the most links of a row.
const Degree = 48

// none stands where a row has no more links.
const none = ^uint32(0)

// Graph has the links of rows to rows near them. A search only reads it.
type Graph struct {
	Links   []uint32 // [rows, Degree], row numbers; after the last link of a row, numbers of no row
	Entries []uint32 // rows where a walk may begin
	First   int      // how many of them, one at least, every walk begins at
	// Near is the least score that the best of the first entries has for a query like
	// the rows, but for one of 50. A walk for a query below it begins at all entries.
	Near   float32
	Levels []Level // what was measured, by K, then by ascending effort
}

// Level is the recall that walks of one effort had: the share of the K best rows
// that they found, on average.
type Level struct {
	K      int
	Effort int
	// Unseen is the recall for queries like the rows, or for such queries turned by 27°
	// where it is lower; Distant for queries that lie apart from all rows, as texts do
	// among images. No two queries are equal.
	Unseen, Distant float32
}

// Rows is the number of rows.
func (g *Graph) Rows() int { return len(g.Links) / Degree }

// of returns the places of the links of a row.
func (g *Graph) of(row uint32) []uint32 { return g.Links[int(row)*Degree:][:Degree:Degree] }

// Check returns an error where entries or levels are not what a walk of rows rows
// can use: index.ErrCorrupt. Links need no check; a walk passes over a wrong one.
func (g *Graph) Check(rows int) error {
	if rows < 1 || len(g.Links) != rows*Degree || g.First < 1 || g.First > len(g.Entries) {
		return fmt.Errorf("a graph of %d links and %d entries, %d of them the first, wanted %d links of each of %d rows and an entry: %w",
			len(g.Links), len(g.Entries), g.First, Degree, rows, index.ErrCorrupt)
	}
	for _, e := range g.Entries {
		if int64(e) >= int64(rows) {
			return fmt.Errorf("row %d is an entry of a graph of %d rows: %w", e, rows, index.ErrCorrupt)
		}
	}
	for _, l := range g.Levels {
		if l.K < 1 || l.Effort < 1 || !(l.Unseen >= 0 && l.Unseen <= 1 && l.Distant >= 0 && l.Distant <= 1) {
			return fmt.Errorf("recall@%d of %v and %v by an effort of %d: %w", l.K, l.Unseen, l.Distant, l.Effort, index.ErrCorrupt)
		}
	}
	return nil
}

// Efforts are how many rows a walk keeps: for a query like the rows, and for a distant
// one, 0 where this one is better answered by a scan.
type Efforts struct{ Near, Distant int }

// Efforts returns the least efforts of walks for k rows that find the share recall of
// them. ok is false where none that was measured does for queries like the rows.
func (g *Graph) Efforts(k int, recall float64) (e Efforts, ok bool) {
	e.Near = g.least(k, func(l Level) bool { return l.Unseen >= float32(recall) })
	e.Distant = g.least(k, func(l Level) bool { return l.Distant >= float32(recall) })
	return e, e.Near > 0
}

// Recall returns the highest recall that was measured whose effort for k rows is no more
// than effort, of queries like the rows or of distant ones.
func (g *Graph) Recall(k, effort int, distant bool) float64 {
	best := float32(0)
	for _, l := range g.Levels {
		recall := l.of(distant)
		if recall <= best {
			continue
		}
		if least := g.least(k, func(l Level) bool { return l.of(distant) >= recall }); least > 0 && least <= effort {
			best = recall
		}
	}
	return float64(best)
}

// of returns the recall of distant queries or of others.
func (l Level) of(distant bool) float32 {
	if distant {
		return l.Distant
	}
	return l.Unseen
}

// least returns the least effort that is enough for k rows. Between and beyond the
// numbers of rows that were measured the effort is a line. It is 0 where no effort that
// was measured is enough.
func (g *Graph) least(k int, enough func(Level) bool) int {
	var lower, upper Level // the least efforts for at most and at least k rows; K is 0 where none is known
	larger := false        // at least k rows were measured
	for _, l := range g.Levels {
		larger = larger || l.K >= k
		if l.K == lower.K || l.K == upper.K || !enough(l) {
			continue
		}
		if l.K <= k {
			lower = l
		}
		if l.K >= k && upper.K == 0 {
			upper = l
		}
	}
	switch {
	case upper.K > lower.K && lower.K != 0:
		return max(k, lower.Effort+(upper.Effort-lower.Effort)*(k-lower.K)/(upper.K-lower.K))
	case upper.K != 0:
		return max(k, upper.Effort)
	case lower.K != 0 && !larger:
		return max(k, lower.Effort*k/lower.K)
	}
	return 0 // where larger is set, more rows were measured, and did not reach the recall
}
