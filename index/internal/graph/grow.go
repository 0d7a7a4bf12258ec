package graph

import (
	"context"
	"math/rand/v2"
	"slices"

	"engram/index/internal/column"
)

// Growth says which rows of a graph that is to grow already have links.
type Growth struct {
	// Graph has links of some of the rows. It is only read. nil: no row has links yet.
	Graph *Graph
	// Rows has, for each row of Graph, its number among the rows of the graph that is made,
	// or Dropped. nil: each keeps its number.
	Rows []uint32
	// Measured is a graph of such rows whose levels the graph that is made gets, for example a
	// larger one. nil: the recall is measured, with rows that have no links yet for queries;
	// where there are too few of these the levels are the ones of Graph.
	Measured *Graph
}

// Dropped stands in Growth.Rows for a row that is not in the graph that is made.
const Dropped = none

const (
	// enoughGrown is the recall from which no larger effort is measured for a graph that
	// has grown, with .99 for distant queries: what lies above is asked for seldom, and
	// takes most of the time.
	enoughGrown = .995
	// leastShare is how many rows a graph that has grown has for each entry at least.
	leastShare = 32
	// leastHeld is how many rows must have no links yet for a measurement.
	leastHeld = 50
)

// Grow makes the graph of rows, which are one or more and have codes, from a graph of some
// of them, without building it anew: it inserts the rows that have no links yet. Rows that
// had a link to a dropped row get links to what that one was linked to, as far as the
// diversity heuristic takes them (Singh et al., "FreshDiskANN", 2021, arXiv 2105.09613,
// §4.2). The same input gives the same graph, whatever opts.Threads is.
func Grow(ctx context.Context, rows *column.Rows, from Growth, opts Options) (*Graph, error) {
	b := newBuilder(rows, opts)
	b.enough = enoughGrown
	fresh := b.takeOver(ctx, from)
	have := len(rows.IDs) - len(fresh)
	rng := rand.New(rand.NewPCG(opts.Seed, uint64(len(rows.IDs))))
	rng.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	if have == 0 {
		b.Entries, b.First, have, fresh = fresh[:1:1], 1, 1, fresh[1:]
	}
	var held []uint32
	if len(fresh) >= leastHeld {
		held = b.lastUnequal(fresh, min(sampled, len(fresh)))
	}
	for todo := fresh[:len(fresh)-len(held)]; len(todo) > 0; {
		batch := todo[:min(len(todo), have, max(1, len(rows.IDs)/batchShare))]
		b.insert(ctx, batch)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		have, todo = have+len(batch), todo[len(batch):]
		if opts.Progress != nil {
			opts.Progress(have)
		}
	}
	measured := from.Measured // has the levels
	if measured == nil && len(held) == 0 {
		measured = from.Graph
	}
	b.chooseEntries(rng, held, measured)
	if err := b.measureGrown(ctx, from.Measured, held, opts); err != nil {
		return nil, err
	}
	b.insert(ctx, held)
	b.attach()
	return b.Graph, ctx.Err()
}

// measureGrown sets Levels and Near. Levels are the ones of measured; where that is nil, they
// are measured by the rows that are held.
func (b *builder) measureGrown(ctx context.Context, measured *Graph, held []uint32, opts Options) error {
	if measured != nil {
		b.Levels = measured.Levels
	}
	if len(held) == 0 {
		return nil
	}
	if measured == nil {
		b.Levels = nil
		return b.measure(ctx, opts, held)
	}
	var queries [][]float32
	for _, row := range held {
		queries = append(queries, b.rows.Vector(int(row)))
	}
	b.setNear(queries)
	return nil
}

// takeOver copies links, entries and levels of a graph, and returns the rows that have no
// links yet, in ascending order.
func (b *builder) takeOver(ctx context.Context, from Growth) (fresh []uint32) {
	n := uint32(len(b.rows.IDs))
	if from.Graph == nil {
		return numbers(0, n)
	}
	b.Levels, b.Near, b.First = slices.Clone(from.Graph.Levels), from.Graph.Near, 0
	if from.Rows == nil {
		copy(b.Links, from.Graph.Links)
		b.Entries, b.First = slices.Clone(from.Graph.Entries), from.Graph.First
		return numbers(uint32(from.Graph.Rows()), n)
	}
	old := slices.Repeat([]uint32{none}, int(n)) // the row in the graph
	for row, to := range from.Rows {
		if to != Dropped {
			old[to] = uint32(row)
		}
	}
	linked := make([]uint32, 0, n)
	for row, was := range old {
		if was == none {
			fresh = append(fresh, uint32(row))
		} else {
			linked = append(linked, uint32(row))
		}
	}
	b.parallel(ctx, len(linked), func(w *worker, i int) { w.takeOver(from, linked[i], old[linked[i]]) })
	for i, row := range from.Graph.Entries {
		if to := from.Rows[row]; to != Dropped {
			b.Entries = append(b.Entries, to)
			if i < from.Graph.First {
				b.First++
			}
		}
	}
	if b.First == 0 && len(linked) > 0 {
		b.Entries, b.First = slices.Insert(b.Entries, 0, linked[0]), 1
	}
	return fresh
}

// numbers returns lo to hi-1.
func numbers(lo, hi uint32) []uint32 {
	all := make([]uint32, 0, max(lo, hi)-lo)
	for i := lo; i < hi; i++ {
		all = append(all, i)
	}
	return all
}

// takeOver links a row to the rows that it was linked to as row was of a graph. In place
// of a row that is dropped it takes that one's links for candidates.
func (w *worker) takeOver(from Growth, row, was uint32) {
	w.fresh = w.fresh[:0]
	whole := true
	for _, link := range from.Graph.of(was) {
		if int(link) >= len(from.Rows) {
			break
		}
		if to := from.Rows[link]; to != Dropped {
			w.fresh = append(w.fresh, to)
			continue
		}
		whole = false
		for _, further := range from.Graph.of(link) {
			if int(further) >= len(from.Rows) {
				break
			}
			if to := from.Rows[further]; to != Dropped && to != row {
				w.fresh = append(w.fresh, to)
			}
		}
	}
	if whole {
		copy(w.of(row), w.fresh)
		return
	}
	slices.Sort(w.fresh)
	w.fresh = slices.Compact(w.fresh)
	w.pruneFresh(row)
}

// chooseEntries takes rows at random for entries, each row with links as likely as any other.
// Distant queries begin at all entries: levels that were measured of another graph hold for as
// many entries as that one has. So the graph gets as many, up to one for leastShare rows.
func (b *builder) chooseEntries(rng *rand.Rand, held []uint32, measured *Graph) {
	n := len(b.rows.IDs)
	// A small graph has fewer, as its walks are short.
	first := min(entryRows, max(1, n/256))
	all := max(first, min(n/entryShare, maxEntries))
	if measured != nil {
		all = max(all, min(len(measured.Entries), n/leastShare))
	}
	if n-len(held) < 2*all {
		return // too few rows to choose from: the entries so far stay
	}
	taken := column.Bits(nil).Clone(n)
	for _, row := range held {
		taken.Set(int(row))
	}
	b.Entries, b.First = make([]uint32, 0, all), first
	for len(b.Entries) < all {
		if row := rng.IntN(n); !taken.Has(row) {
			taken.Set(row)
			b.Entries = append(b.Entries, uint32(row))
		}
	}
}
