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
	Entries []uint32 // rows where a walk begins, one at least
	Levels  []Level  // what was measured, by K, then by ascending effort
}

// Level is the recall that walks of one effort had: the share of the K best rows
// that they found, on average.
type Level struct {
	K      int
	Effort int
	// Unseen is the recall for queries like the rows, Distant for queries that lie
	// apart from all rows, as texts do among images.
	Unseen, Distant float32
}

// Rows is the number of rows.
func (g *Graph) Rows() int { return len(g.Links) / Degree }

// of returns the places of the links of a row.
func (g *Graph) of(row uint32) []uint32 { return g.Links[int(row)*Degree:][:Degree:Degree] }

// Check returns an error where entries or levels are not what a walk of rows rows
// can use: index.ErrCorrupt. Links need no check; a walk passes over a wrong one.
func (g *Graph) Check(rows int) error {
	if rows < 1 || len(g.Links) != rows*Degree || len(g.Entries) < 1 {
		return fmt.Errorf("a graph of %d links and %d entries, wanted %d links of each of %d rows and an entry: %w",
			len(g.Links), len(g.Entries), Degree, rows, index.ErrCorrupt)
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

// Effort returns how many rows a walk for k rows keeps so that it finds the share
// recall of them, by the lower recall of the two kinds of queries. Between and
// beyond the numbers of rows that were measured the effort is a line. ok is false
// where no effort that was measured reached the recall.
func (g *Graph) Effort(k int, recall float64) (effort int, ok bool) {
	var lower, upper Level // the least efforts for at most and at least k rows; K is 0 where none is known
	larger := false        // at least k rows were measured
	for _, l := range g.Levels {
		larger = larger || l.K >= k
		if l.K == lower.K || l.K == upper.K || min(l.Unseen, l.Distant) < float32(recall) {
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
	case upper.K != 0 && upper.K > lower.K && lower.K != 0:
		effort = lower.Effort + (upper.Effort-lower.Effort)*(k-lower.K)/(upper.K-lower.K)
	case upper.K != 0:
		effort = upper.Effort
	case lower.K != 0 && !larger:
		effort = lower.Effort * k / lower.K
	default: // where larger is set, more rows were measured, and did not reach the recall
		return 0, false
	}
	return max(effort, k), true
}
