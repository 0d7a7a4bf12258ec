package graph

import (
	"slices"

	"engram/data/simd"
	"engram/index/internal/column"
)

// candidate is a row that a walk has scored.
type candidate struct {
	score float32 // product of the codes times the scale of the row
	row   uint32
}

// expanded marks, in candidate.row, a row whose neighbours were looked at.
const expanded = 1 << 31

// walker is the memory of a walk. It belongs to one goroutine, and is used again by
// its next walk.
type walker struct {
	kernels *simd.Kernels
	seen    column.Bits // rows that were scored
	beam    []candidate // the best rows so far, best first
	path    []candidate // rows in the order in which they were expanded
	next    int         // no row of the beam before this one is to be expanded
	// others are rows of other parts, best first. The walk ends at a row where they and the
	// beam have as many better ones together as a walk over all parts keeps, which is common.
	others []pooled
	common int
	fresh  []uint32  // neighbours that are to be scored
	scores []float32 // of fresh

	// Of a walk through all rows for chosen ones (see through).
	open     frontier
	compared int // rows
}

// leastSteps is how many rows a walk expands at least: so many lead it from an entry to
// the query (see NOTES.md).
const leastSteps = 14

// start begins a walk that keeps room rows at most, at the first entries. code is the
// code of the query, padded to the stride of the codes.
func (w *walker) start(g *Graph, rows *column.Rows, code []int8, room int) {
	words := (len(rows.IDs) + 63) / 64
	w.seen = slices.Grow(w.seen[:0], words)[:words]
	clear(w.seen)
	w.beam, w.path, w.common = slices.Grow(w.beam[:0], room), w.path[:0], 0
	w.enter(g.Entries[:g.First], rows, code, room)
}

// enter scores the entries that were not seen.
func (w *walker) enter(entries []uint32, rows *column.Rows, code []int8, room int) {
	w.fresh = w.fresh[:0]
	for _, row := range entries {
		if !w.seen.Has(int(row)) {
			w.seen.Set(int(row))
			w.fresh = append(w.fresh, row)
		}
	}
	w.score(rows, code, room)
}

// finish fills the beam with the best rows that a greedy search finds, effort of them at
// most, from what the beam has.
func (w *walker) finish(g *Graph, rows *column.Rows, code []int8, effort int) {
	n := len(rows.IDs)
	w.beam = w.beam[:min(len(w.beam), effort)]
	for w.next = 0; w.next < len(w.beam); {
		c := &w.beam[w.next]
		if c.row&expanded != 0 {
			w.next++
			continue
		}
		if w.common > 0 && w.ends(c.score, effort) {
			return
		}
		w.path = append(w.path, *c)
		links := g.of(c.row)
		c.row |= expanded
		w.fresh = w.fresh[:0]
		for _, row := range links {
			if int64(row) >= int64(n) {
				break
			}
			if word, bit := &w.seen[row>>6], uint64(1)<<(row&63); *word&bit == 0 {
				*word |= bit
				w.fresh = append(w.fresh, row)
			}
		}
		w.prefetchNext(g)
		w.score(rows, code, effort)
	}
}

// ends reports whether the walk ends at the next row to expand, for the others. Of an effort
// that is larger than common, because rows are dead, each row takes a smaller share.
func (w *walker) ends(score float32, effort int) bool {
	left := w.common - w.next*w.common/effort // more than 0, as the beam has no more than effort
	return len(w.path) >= leastSteps && left <= len(w.others) && score < w.others[left-1].score
}

// prefetchNext loads the links of the row that is expanded next if none of the fresh
// rows is better, while these are scored.
func (w *walker) prefetchNext(g *Graph) {
	for _, c := range w.beam[w.next+1:] {
		if c.row&expanded == 0 {
			w.kernels.Prefetch(g.of(c.row))
			return
		}
	}
}

// score scores the fresh rows and puts the best of them into the beam.
func (w *walker) score(rows *column.Rows, code []int8, effort int) {
	w.scores = slices.Grow(w.scores[:0], len(w.fresh))[:len(w.fresh)]
	w.kernels.ScoreGathered(w.scores, code, rows.Codes, rows.Scales, w.fresh)
	for i, s := range w.scores {
		if len(w.beam) < effort || s > w.beam[effort-1].score {
			w.insert(candidate{s, w.fresh[i]}, effort)
		}
	}
}

// insert puts a row that is among the best into the beam, of effort rows at most.
func (w *walker) insert(c candidate, effort int) {
	if len(w.beam) == effort {
		w.beam = w.beam[:effort-1]
	}
	lo, hi := 0, len(w.beam)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if w.beam[mid].score >= c.score {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	w.beam = w.beam[:len(w.beam)+1]
	copy(w.beam[lo+1:], w.beam[lo:])
	w.beam[lo] = c
	w.next = min(w.next, lo)
}
