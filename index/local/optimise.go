package local

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"runtime"
	"slices"

	"engram/data/progress"
	"engram/index"
	"engram/index/internal/disk"
	"engram/index/internal/graph"
)

var _ index.Optimiser = (*Store)(nil)

// Optimise implements index.Optimiser. It flushes, writes all live rows as one segment
// and builds its graph; an index of fewer than 20,000 items is only flushed, as
// looking at every item is as fast. Others may search and write meanwhile, until their
// rows in memory reach the limit. Where it ends early the index is as the flush left it.
func (s *Store) Optimise(ctx context.Context, watch progress.Func) error {
	return s.optimise(ctx, watch, true)
}

// Graphs implements index.Optimiser.
func (s *Store) Graphs(ctx context.Context) ([]index.Graph, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	var graphs []index.Graph
	for _, p := range snap.parts {
		if p.inMemory() || p.segment.Graph() == nil {
			continue
		}
		g := index.Graph{Items: p.live}
		for _, l := range p.segment.Graph().Levels {
			g.Levels = append(g.Levels, index.GraphLevel{K: l.K, Effort: l.Effort, Recall: l.Unseen, Distant: l.Distant})
		}
		graphs = append(graphs, g)
	}
	return graphs, nil
}

// LargeTokens is how many bytes of tokens an item may have for the end of a bulk load to
// write all items once more, with a graph. Where it has more, a search compares tokens
// for longer than it scans.
const LargeTokens = 16 << 10

// EndBulk implements index.Bulk. It flushes, and builds a graph where many rows are in
// none (see planGraph), unless the rows have large tokens.
func (s *Store) EndBulk(ctx context.Context, watch progress.Func) error {
	if err := s.setBulk(false); err != nil {
		return err
	}
	return s.optimise(ctx, watch, false)
}

func (s *Store) optimise(ctx context.Context, watch progress.Func, all bool) error {
	if err := s.checkWritable(); err != nil {
		return err
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	if err := s.checkOpen(ctx); err != nil {
		return err
	}
	s.setOptimising(true)
	defer s.setOptimising(false)
	if err := s.flush(ctx); err != nil || !all && s.tokenSize() > LargeTokens {
		return err
	}
	frozen, kept, merged, err := s.freezeForGraph(all)
	if err != nil || frozen == nil {
		return err
	}
	total := int64(liveRows(merged))
	report := watch.Stage(index.Indexing, "items", total)
	return s.flushFrozen(ctx, frozen, flushing{
		plan: func(ctx context.Context, _ []part) (_, _ []part, err error) {
			return withoutDamaged(ctx, kept, merged)
		},
		graph: func(rows int) { report(int64(rows), total) },
	})
}

func (s *Store) setOptimising(now bool) {
	s.writer.Lock()
	defer s.writer.Unlock()
	s.optimising = now
}

// freezeForGraph is freeze for the parts that planGraph merges, nil where it merges none.
func (s *Store) freezeForGraph(all bool) (f *frozen, kept, merged []part, err error) {
	s.writer.Lock()
	_, merged = planGraph(s.current.Load().parts, s.graphRows, all)
	s.writer.Unlock()
	if len(merged) == 0 {
		return nil, nil, nil, nil
	}
	log, err := s.nextLog()
	if err != nil {
		return nil, nil, nil, err
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	if kept, merged = planGraph(s.current.Load().parts, s.graphRows, all); len(merged) == 0 {
		if log != nil {
			err = log.Discard(s.folder.FS)
		}
		return nil, nil, nil, err
	}
	return s.freezeLocked(log), kept, merged, nil
}

// writeGraph makes the graph of the new segment, where it is to get one, writes it and
// opens it.
func (f *flushing) writeGraph(ctx context.Context) (err error) {
	var g *graph.Graph
	switch {
	case f.graph == nil:
		g, err = f.grownGraph(ctx)
	case len(f.opened.IDs) >= f.store.graphRows: // or else damaged segments were left out
		g, err = graph.Build(ctx, &f.opened.Rows, graph.Options{Threads: runtime.GOMAXPROCS(0), Progress: f.graph})
	}
	if err != nil || g == nil {
		return err
	}
	return f.putGraph(g)
}

// putGraph writes the graph of the new segment and opens it.
func (f *flushing) putGraph(g *graph.Graph) error {
	number := f.number()
	name := disk.GraphName(number)
	if err := f.create(name, func(w io.Writer) error { return disk.WriteGraph(w, g) }); err != nil {
		return err
	}
	f.opened.graph = number
	return f.opened.OpenGraph(filepath.Join(f.store.folder.Path, name))
}

// grownGraph returns the graph of the new segment, grown from the largest graph of the parts
// that it was written from: half of the rows were in it at least, and not more dead ones.
// It is nil where there is no such graph.
func (f *flushing) grownGraph(ctx context.Context) (*graph.Graph, error) {
	var base part
	for _, p := range f.merged {
		if p.segment.Graph() != nil && p.live > base.live {
			base = p
		}
	}
	n := len(f.opened.IDs)
	if f.refs == nil || base.segment == nil || 2*base.live < max(n, len(base.segment.IDs)) || n < f.store.firstGrown {
		return nil, nil
	}
	if base.segment.VerifyGraph(ctx) != nil {
		return nil, ctx.Err() // damage does not get fresh checksums
	}
	from := graph.Growth{Graph: base.segment.Graph(), Measured: measuredGraph(f.kept, n), Rows: slices.Repeat([]uint32{graph.Dropped}, len(base.segment.IDs))}
	for row, r := range f.refs {
		if r.Segment == base.segment.Segment {
			from.Rows[r.Row] = uint32(row)
		}
	}
	g, err := graph.Grow(ctx, &f.opened.Rows, from, graph.Options{Threads: backgroundThreads()})
	if err != nil || len(g.Levels) == 0 { // searches would take it for one that finds nothing
		return nil, err
	}
	return g, nil
}

// growth is how many times as many rows a segment with a graph may have as the rows
// that are in none, for both to be written as one segment with one graph. So a row is
// rewritten a logarithmic number of times as an index grows, and graphs stay few.
const growth = 4

// planGraph says which parts are kept as they are, and which become the new segment
// that gets a graph: all of them where all is set, or else the parts without a graph,
// and segments that are not much larger. Nothing is merged where fewer than least rows
// would be, or where one graph has all rows already.
func planGraph(parts []part, least int, all bool) (kept, merged []part) {
	var graphs []part
	for _, p := range parts {
		switch {
		case p.live == 0:
		case p.inMemory() || p.segment.Graph() == nil:
			merged = append(merged, p)
		default:
			graphs = append(graphs, p)
		}
	}
	slices.SortStableFunc(graphs, func(a, b part) int { return cmp.Compare(a.live, b.live) })
	rows := liveRows(merged)
	whole := len(merged) == 0 && len(graphs) == 1 && graphs[0].live == len(graphs[0].segment.IDs)
	if !all && rows < least || whole {
		return nil, nil
	}
	for _, p := range graphs {
		if !all && p.live > growth*rows {
			kept = append(kept, p)
			continue
		}
		merged = append(merged, p)
		rows += p.live
	}
	if rows < least {
		return nil, nil
	}
	return kept, merged
}

// withoutDamaged keeps the segments of merged that are damaged as they are, so that
// their rows do not get fresh checksums.
func withoutDamaged(ctx context.Context, kept, merged []part) (_, _ []part, err error) {
	whole := merged[:0]
	for _, p := range merged {
		if !p.inMemory() && p.segment.VerifyRows(ctx) != nil {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			kept = append(kept, p)
			continue
		}
		whole = append(whole, p)
	}
	return kept, whole, nil
}

func liveRows(parts []part) int {
	n := 0
	for _, p := range parts {
		n += p.live
	}
	return n
}
