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
	if s.endGraphs != nil || s.bulk || s.closing || s.current.Load().withoutGraph(s) == nil {
		return
	}
	ctx, end := context.WithCancel(context.Background())
	s.endGraphs = end
	s.snapshots.Go(func() { s.buildGraphs(ctx) }) // Close waits
}

// calmTime is how long no flush has ended when a graph is begun. While writes come faster,
// a graph takes their cores and is soon thrown away with its segment.
const calmTime = 3 * time.Second

// buildGraphs builds the graphs of segments, one after the other, until all that are
// large enough have one. It holds no lock while it builds: flushes and merges go on,
// and where one replaces the segment meanwhile the graph is thrown away.
func (s *Store) buildGraphs(ctx context.Context) {
	for {
		s.awaitCalm(ctx)
		s.writer.Lock()
		var due *segment
		if snap := s.current.Load(); snap != nil && ctx.Err() == nil && !s.bulk {
			due = snap.withoutGraph(s)
		}
		if due == nil {
			s.endGraphs()
			s.endGraphs = nil
			s.writer.Unlock()
			return
		}
		due.users.Add(1)
		s.writer.Unlock()
		began := time.Now()
		e := Event{Step: Begun, Items: len(due.IDs)}
		s.tellLocked(e)
		e.Step = Finished
		if e.Err = s.buildGraph(ctx, due); e.Err != nil {
			e.Step = Failed
		}
		s.writer.Lock()
		due.tried = true
		s.writer.Unlock()
		due.release()
		e.Took = time.Since(began)
		if ctx.Err() == nil {
			s.tellLocked(e)
		}
	}
}

// awaitCalm waits until no flush has ended for the calm time.
func (s *Store) awaitCalm(ctx context.Context) {
	for ctx.Err() == nil {
		s.writer.Lock()
		left := s.calm - time.Since(s.flushed)
		s.writer.Unlock()
		if left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(left):
		}
	}
}

// tellLocked is tell for whoever does not hold the flusher lock.
func (s *Store) tellLocked(e Event) {
	s.flusher.Lock()
	defer s.flusher.Unlock()
	s.tell(e)
}

// withoutGraph returns a segment on disk that is large enough for a graph and has none,
// nil where there is none. A damaged graph is left to Optimise, as Verify tells of it. The
// caller holds the writer lock.
func (snap *snapshot) withoutGraph(s *Store) *segment {
	if s.tokenSize() > LargeTokens {
		return nil
	}
	for _, p := range snap.parts {
		if !p.inMemory() && p.segment.graph == 0 && !p.segment.tried && p.live >= s.segmentRows {
			return p.segment
		}
	}
	return nil
}

// buildGraph builds the graph of a segment on half of the cores, so that searches and
// writes have room.
func (s *Store) buildGraph(ctx context.Context, of *segment) error {
	if err := of.VerifyRows(ctx); err != nil {
		return err
	}
	g, err := graph.Build(ctx, &of.Rows, graph.Options{Threads: max(1, runtime.GOMAXPROCS(0)/2)})
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
