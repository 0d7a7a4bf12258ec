package local

import (
	"context"
	"slices"

	"engram/index/internal/column"
	"engram/index/internal/disk"
	"engram/index/internal/graph"
)

const (
	// firstGrown is how many rows in memory get a graph at first. A scan of fewer is as fast
	// as a walk.
	firstGrown = 1024
	// leastGrown is how many rows in memory that are in no graph are put into one together.
	leastGrown = 128
	// scansOfRow is how often a row is looked at before it gets links. A row takes about
	// 20 ns of a scan and 80 µs of an insertion, which its segment needs later too where it
	// is searched. So a load that few searches come in between pays for no graph.
	scansOfRow = 100
)

// scanned notes that a search has looked at the rows that are in no graph, and has the ones
// in memory put into one once that is worth it.
func (s *Store) scanned(snap *snapshot) {
	for _, segment := range snap.bare {
		segment.scans.Add(1)
	}
	loose := snap.loose
	if loose < leastGrown || s.changing.Load() || s.scans.Add(int64(loose)) < scansOfRow*int64(loose) || !s.growing.CompareAndSwap(false, true) {
		return
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.closing || s.current.Load() == nil {
		return // for ever
	}
	ctx, end := context.WithCancel(context.Background())
	s.endGrowth = end
	s.scans.Store(0)
	s.snapshots.Go(func() { // Close waits
		defer s.growing.Store(false)
		defer end()
		_ = s.grow(ctx) // what is in no graph is scanned
	})
}

// insertion is rows in memory that are being put into a graph.
type insertion struct {
	*snapshot
	base  part   // has the graph that is there; no segment: there is none yet
	loose []part // are in no graph
	refs  []disk.Ref
}

// frozen reports whether a flush writes the rows, or has written them. A segment whose rows
// are all dead by then is in no flush, so each is asked. The caller holds the writer lock.
func (g *insertion) frozen() bool {
	return slices.ContainsFunc(append(slices.Clip(g.loose), g.base), func(p part) bool { return p.segment != nil && p.segment.frozen })
}

// grow puts the rows in memory that are in no graph into one, with the rows that are in a
// graph already. Writes, searches and flushes go on. Where a flush begins meanwhile, the
// flush has the rows, and nothing changes.
func (s *Store) grow(ctx context.Context) error {
	s.inserter.Lock()
	defer s.inserter.Unlock()
	g := s.beginInsertion()
	if g == nil {
		return nil
	}
	defer g.release()
	return s.endInsertion(ctx, g)
}

// endInsertion makes the graph, and publishes a snapshot with it.
func (s *Store) endInsertion(ctx context.Context, g *insertion) error {
	grown, err := s.extend(ctx, g)
	s.writer.Lock()
	defer s.writer.Unlock()
	for _, p := range g.loose {
		p.segment.taken.Store(false)
	}
	if err == nil && s.current.Load() != nil && !g.frozen() {
		s.replaceGrown(g, grown)
	}
	return err
}

// beginInsertion returns what grow works on, nil where that is nothing.
func (s *Store) beginInsertion() *insertion {
	s.writer.Lock()
	defer s.writer.Unlock()
	snap := s.current.Load()
	if snap == nil || s.closing || s.tokenSize() > LargeTokens {
		return nil
	}
	g := &insertion{snapshot: snap}
	for _, p := range snap.parts {
		switch {
		case !p.inMemory() || p.segment.frozen:
		case p.segment.Graph() != nil:
			g.base = p
		default:
			g.loose = append(g.loose, p)
		}
	}
	if rows := liveRows(g.loose); rows < s.firstGrown && (g.base.segment == nil || rows < leastGrown) {
		return nil
	}
	for _, p := range g.loose {
		p.segment.taken.Store(true)
	}
	snap.retain() // it is the current one
	return g
}

// extend returns a segment in memory with a graph of the rows that g is about. Where half
// of the rows of the graph that is there are dead, it leaves them out and begins anew.
func (s *Store) extend(ctx context.Context, g *insertion) (*segment, error) {
	if g.base.segment != nil && 2*g.base.live < len(g.base.segment.IDs) {
		g.loose, g.base = append(g.loose, g.base), part{}
	}
	from, of, measured := graph.Growth{}, disk.NewSegment(s.info.Dim, s.tokenSize()), 0
	if base := g.base.segment; base != nil {
		of, from.Graph, measured = base.Segment, base.Graph(), base.measured
	}
	g.refs = slices.Collect(rows(g.loose))
	extended, err := of.Extend(g.refs)
	if err != nil {
		return nil, err
	}
	from.Measured = measuredGraph(g.parts, len(extended.IDs))
	switch {
	case from.Measured != nil:
	case len(extended.IDs) < 2*measured:
		from.Measured = from.Graph
	default:
		measured = len(extended.IDs)
	}
	made, err := graph.Grow(ctx, &extended.Rows, from, graph.Options{Threads: backgroundThreads()})
	if err != nil {
		return nil, err
	}
	extended.SetGraph(made)
	return &segment{Segment: extended, measured: measured}, nil
}

// measuredGraph returns the largest graph on disk, nil where none has so many rows. What
// recall its walks have holds for a smaller graph of such rows too.
func measuredGraph(parts []part, rows int) (largest *graph.Graph) {
	for _, p := range parts {
		if g := p.segment.Graph(); !p.inMemory() && g != nil && g.Rows() >= rows {
			largest, rows = g, g.Rows()
		}
	}
	return largest
}

// replaceGrown publishes a snapshot with the segment that has grown in place of the
// segments that it was made of. The caller holds the writer lock.
func (s *Store) replaceGrown(g *insertion, grown *segment) {
	n := len(grown.IDs)
	first := n - len(g.refs) // row that was in no graph
	next := part{segment: grown, live: n, dead: column.Bits(nil).Clone(n)}
	was := map[*disk.Segment]part{}
	for _, p := range append(g.loose, g.base) {
		if p.segment != nil {
			was[p.segment.Segment] = part{} // until it is found, all of its rows are dead
		}
	}
	var parts []part
	at := -1
	for _, p := range s.current.Load().parts {
		if _, replaced := was[p.segment.Segment]; replaced {
			was[p.segment.Segment] = p
			continue
		}
		if p.inMemory() && at < 0 {
			at = len(parts)
		}
		parts = append(parts, p)
	}
	isDead := func(r disk.Ref) bool { p := was[r.Segment]; return p.segment == nil || p.dead.Has(r.Row) }
	for row := range n {
		r := disk.Ref{Row: row}
		if row >= first {
			r = g.refs[row-first]
		} else {
			r.Segment = g.base.segment.Segment
		}
		if isDead(r) {
			next.dead.Set(row)
			next.live--
		}
	}
	if at < 0 {
		at = len(parts)
	}
	if next.live > 0 {
		parts = slices.Insert(parts, at, next)
	}
	s.publish(parts)
}
