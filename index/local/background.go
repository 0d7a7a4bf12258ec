package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/internal/graph"
)

// beginGraphs begins to build graphs in the background where a segment is large enough
// for one, unless that is under way or a bulk load is, whose end builds them.
func (s *Store) beginGraphs() {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.endGraphs != nil || s.bulk || s.closing {
		return
	}
	snap := s.current.Load()
	for _, p := range snap.parts {
		p.segment.tried = p.segment.tried && p.segment.graph == 0 // a merge may be due now that was not
	}
	if snap.withoutGraph(s).segment == nil && snap.dueMerge() == nil {
		return
	}
	ctx, end := context.WithCancel(context.Background())
	s.endGraphs = end
	s.snapshots.Go(func() { s.buildGraphs(ctx) }) // Close waits
}

// calmTime is how long no flush has ended when a graph is built anew. While writes come
// faster, a graph takes their cores and is soon thrown away with its segment. Where searches
// have looked at all of a segment's rows scansOfRow times, they wait no longer.
const calmTime = 3 * time.Second

// buildGraphs merges segments with graphs, and builds the graphs of the others, one after the
// other, until no more is to be done. It holds no lock while it makes a graph: flushes and
// merges go on, and where one replaces the segment meanwhile the graph is thrown away.
func (s *Store) buildGraphs(ctx context.Context) {
	for {
		merge, build, wait := s.dueGraph(ctx)
		switch {
		case merge != nil:
			s.makeGraph(ctx, merge, func() error { return s.mergeGraphs(ctx, merge) })
		case build.segment == nil:
			return
		case wait > 0:
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		default:
			s.makeGraph(ctx, []part{build}, func() error { return s.buildGraph(ctx, build.segment) })
		}
	}
}

// dueGraph returns the segments that are to be merged, or the one whose graph is to be built
// once wait has passed. Where there are none, this was the end of the building of graphs.
func (s *Store) dueGraph(ctx context.Context) (merge []part, build part, wait time.Duration) {
	s.writer.Lock()
	defer s.writer.Unlock()
	if snap := s.current.Load(); snap != nil && ctx.Err() == nil && !s.bulk {
		merge, build = snap.dueMerge(), snap.withoutGraph(s)
	}
	if merge == nil && build.segment == nil {
		s.endGraphs()
		s.endGraphs = nil
		return nil, part{}, 0
	}
	again := max(s.calm/30, time.Millisecond) // what is due may have changed by then
	if s.optimising {
		return nil, part{segment: new(segment)}, again
	}
	for _, p := range merge {
		p.segment.users.Add(1)
	}
	if merge != nil {
		return merge, part{}, 0
	}
	if left := s.calm - time.Since(s.flushed); left > 0 && build.segment.scans.Load() < scansOfRow {
		return nil, build, min(left, again)
	}
	build.segment.users.Add(1)
	return nil, build, 0
}

// makeGraph does something about the graphs of segments, and tells of it.
func (s *Store) makeGraph(ctx context.Context, of []part, do func() error) {
	for _, p := range of {
		p.segment.taken.Store(true)
	}
	began := time.Now()
	e := Event{Step: Begun, Items: liveRows(of)}
	s.tellLocked(e)
	e.Step = Finished
	if e.Err = do(); e.Err != nil && !errors.Is(e.Err, errReplaced) {
		e.Step = Failed
	} else {
		e.Err = nil
	}
	s.writer.Lock()
	for _, p := range of {
		p.segment.tried = true
		p.segment.taken.Store(false)
	}
	s.writer.Unlock()
	for _, p := range of {
		p.segment.release()
	}
	e.Took = time.Since(began)
	if ctx.Err() == nil {
		s.tellLocked(e)
	}
}

// backgroundThreads is half of the cores, so that searches and writes have room.
func backgroundThreads() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// tellLocked is tell for whoever does not hold the flusher lock.
func (s *Store) tellLocked(e Event) {
	s.flusher.Lock()
	defer s.flusher.Unlock()
	s.tell(e)
}

// withoutGraph returns a part on disk that is large enough for a graph and has none, or one
// without a segment where there is none. A damaged graph is left to Optimise, as Verify tells of it. The
// caller holds the writer lock.
func (snap *snapshot) withoutGraph(s *Store) part {
	if s.tokenSize() > LargeTokens {
		return part{}
	}
	for _, p := range snap.parts {
		if !p.inMemory() && p.segment.graph == 0 && !p.segment.tried && p.live >= s.segmentRows {
			return p
		}
	}
	return part{}
}

// buildGraph builds the graph of a segment.
func (s *Store) buildGraph(ctx context.Context, of *segment) error {
	if err := of.VerifyRows(ctx); err != nil {
		return err
	}
	g, err := graph.Build(ctx, &of.Rows, graph.Options{Threads: backgroundThreads()})
	if err != nil {
		return err
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	return s.attachGraph(of, g)
}

// attachGraph writes the graph of a segment, has the manifest name it, and publishes a
// snapshot with it, unless the segment was replaced meanwhile. The caller holds the
// flusher lock.
func (s *Store) attachGraph(of *segment, g *graph.Graph) error {
	at := slices.IndexFunc(s.written.Segments, func(r disk.SegmentRecord) bool { return r.File == of.file && r.Graph == 0 })
	if s.current.Load() == nil || at < 0 {
		return nil
	}
	f := flushing{store: s}
	number := f.number()
	name := disk.GraphName(number)
	err := f.create(name, func(w io.Writer) error { return disk.WriteGraph(w, g) })
	if err == nil {
		err = f.open(of.file)
	}
	if err == nil {
		err = f.opened.OpenGraph(filepath.Join(s.folder.Path, name))
	}
	if err == nil {
		err = s.folder.Sync()
	}
	if err == nil {
		err = f.opened.takeIndexes(of, s.folder.Path)
	}
	m := s.written
	m.Labels, m.Next = *s.labels.Load(), s.next
	m.Segments = slices.Clone(m.Segments)
	m.Segments[at].Graph = number
	if err == nil {
		err = s.folder.WriteManifest(m)
	}
	if err != nil {
		return errors.Join(err, f.undo())
	}
	s.written, f.opened.graph = m, number
	s.exchange(of, f.opened)
	return s.folder.Sync()
}

// takeIndexes gives a segment the field indexes of another with the same rows. The caller
// holds the flusher lock.
func (s *segment) takeIndexes(of *segment, folder string) error {
	s.fields, s.stored, s.fresh = of.fields, of.stored, of.fresh
	s.made.Store(of.made.Load())
	if of.fields == 0 {
		return nil
	}
	err := s.OpenIndexes(filepath.Join(folder, disk.FieldsName(of.fields)))
	if errors.Is(err, index.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) {
		return nil // filters read payloads
	}
	return err
}

// exchange publishes a snapshot with the same rows in another segment.
func (s *Store) exchange(old, with *segment) {
	s.writer.Lock()
	defer s.writer.Unlock()
	parts := slices.Clone(s.current.Load().parts)
	for i := range parts {
		if parts[i].segment == old {
			parts[i].segment = with
			s.publish(parts)
			return
		}
	}
	_ = with.Close() // all of its rows are gone
}
