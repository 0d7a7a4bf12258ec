package local

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"

	"engram/index/internal/disk"
	"engram/index/internal/graph"
)

// fanInGraphs is how many segments with graphs are written as one at least. Each takes a
// walk of its own.
const fanInGraphs = 3

// dueMerge returns the segments with graphs that are to be written as one, nil where none
// are: one segment with two dead rows in five or more, or fanInGraphs segments and more, the
// largest with at most twice the rows of the others together. So segments are few, and a row
// is put into another graph each time that the index grows about threefold. A segment
// that could not be merged is left as it is. The caller holds the writer lock.
func (snap *snapshot) dueMerge() []part {
	var graphs []part
	for _, p := range snap.parts {
		if !p.inMemory() && p.segment.Graph() != nil && p.segment.graph != 0 && p.live > 0 && !p.segment.tried {
			if 5*p.live <= 3*len(p.segment.IDs) {
				return []part{p}
			}
			graphs = append(graphs, p)
		}
	}
	slices.SortStableFunc(graphs, func(a, b part) int { return cmp.Compare(a.live, b.live) })
	due, rows, bytes := 0, 0, 0
	for i, p := range graphs {
		if bytes += p.live * p.rowBytes(); bytes > maxMerge {
			break
		}
		if i+1 >= fanInGraphs && p.live <= 2*rows {
			due = i + 1
		}
		rows += p.live
	}
	if due == 0 {
		return nil
	}
	return graphs[:due]
}

// mergeGraphs writes segments as one whose graph grows from the one of the largest. Flushes
// and writes go on while it does, but for the time that the rows are written.
func (s *Store) mergeGraphs(ctx context.Context, due []part) error {
	f := flushing{store: s}
	if err := f.writeMerged(ctx, due); err != nil {
		return err
	}
	g, err := f.mergedGraph(ctx)
	s.flusher.Lock()
	defer s.flusher.Unlock()
	s.making = nil
	if err == nil {
		err = f.nameMerged(ctx, g)
	}
	if err != nil {
		return errors.Join(err, f.undo())
	}
	s.replaceMerged(&f)
	if err := s.folder.Sync(); err != nil {
		return err
	}
	_ = s.folder.Sweep(s.written) // what cannot be removed now is removed when the index is opened
	return nil
}

// nameMerged writes the graph of the new segment, its field indexes and tombstones, and
// the manifest that names them. The caller holds the flusher lock.
func (f *flushing) nameMerged(ctx context.Context, g *graph.Graph) error {
	for _, step := range []func() error{
		ctx.Err,
		func() error { return f.putGraph(g) },
		func() error { return f.writeIndexes(ctx) },
		f.finishMerged,
		f.store.folder.Sync,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	m := f.mergedManifest()
	if err := f.store.folder.WriteManifest(m); err != nil {
		return err
	}
	f.store.written = m
	return nil
}

// errReplaced says that segments were written anew by others while they were being merged.
var errReplaced = errors.New("segments were replaced while they were merged")

// writeMerged writes the rows of segments that the manifest has as live, and opens the
// segment. Rows that were deleted since are dead in it later (see replaceMerged).
func (f *flushing) writeMerged(ctx context.Context, due []part) error {
	for _, p := range due {
		if err := p.segment.Verify(ctx); err != nil {
			return err // damage does not get fresh checksums
		}
	}
	s := f.store
	s.flusher.Lock()
	defer s.flusher.Unlock()
	for _, p := range due {
		p, err := s.flushedPart(p)
		if err != nil {
			return err
		}
		f.merged = append(f.merged, p)
	}
	if err := f.writeSegment(); err != nil {
		return errors.Join(err, f.undo())
	}
	if f.opened == nil || f.refs == nil { // no rows, or rows that need not be written
		return errors.Join(errReplaced, f.undo())
	}
	s.making = []disk.SegmentRecord{{File: f.opened.file}}
	return nil
}

// flushedPart returns a part as the manifest has it: without rows that were deleted since
// the last flush. The caller holds the flusher lock.
func (s *Store) flushedPart(p part) (part, error) {
	at := slices.IndexFunc(s.written.Segments, func(r disk.SegmentRecord) bool { return r.File == p.segment.file })
	if at < 0 {
		return p, errReplaced
	}
	p.dead, p.live, p.tombstones = nil, len(p.segment.IDs), s.written.Segments[at].Dead
	if p.tombstones == 0 {
		return p, nil
	}
	dead, err := disk.ReadTombstones(filepath.Join(s.folder.Path, disk.TombstonesName(p.tombstones)), p.live)
	p.dead, p.live = dead, p.live-dead.Count()
	return p, err
}

// finishMerged sets kept to the new segment as the last flush has it, whose deleted rows may be
// more than when it was written, and writes its tombstones.
func (f *flushing) finishMerged() error {
	written := part{segment: f.opened, live: len(f.opened.IDs)}
	for i, p := range f.merged {
		now, err := f.store.flushedPart(p)
		if err != nil {
			return err
		}
		written = written.without(p, now)
		f.merged[i] = now
	}
	f.kept = []part{written}
	return f.writeTombstones()
}

// mergedGraph returns the graph of the merged segment.
func (f *flushing) mergedGraph(ctx context.Context) (*graph.Graph, error) {
	g, err := f.grownGraph(ctx)
	if err != nil || g != nil {
		return g, err
	}
	return graph.Build(ctx, &f.opened.Rows, graph.Options{Threads: backgroundThreads()})
}

// mergedManifest returns the manifest with the new segment in place of the merged ones.
func (f *flushing) mergedManifest() disk.Manifest {
	m := f.store.written
	m.Labels, m.Fields, m.Next = *f.store.labels.Load(), *f.store.fields.Load(), f.store.next
	m.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(r disk.SegmentRecord) bool {
		return slices.ContainsFunc(f.merged, func(p part) bool { return p.segment.file == r.File })
	})
	for _, p := range f.kept {
		m.Segments = append(m.Segments, disk.SegmentRecord{
			File: p.segment.file, Rows: len(p.segment.IDs), Dead: p.tombstones, Graph: p.segment.graph, Fields: f.indexes(p.segment),
		})
	}
	return m
}

// replaceMerged publishes a snapshot with the new segment in place of the merged ones.
func (s *Store) replaceMerged(f *flushing) {
	s.writer.Lock()
	defer s.writer.Unlock()
	for segment, number := range f.indexed {
		segment.fields, segment.stored, segment.fresh = number, *s.fields.Load(), true
	}
	now := map[*segment]part{}
	for _, p := range s.current.Load().parts {
		now[p.segment] = p
	}
	written := f.kept[0]
	merged := map[*segment]bool{}
	for _, p := range f.merged {
		written = written.without(p, now[p.segment])
		merged[p.segment] = true
	}
	if written.live != f.kept[0].live {
		written.tombstones = 0 // they are for the next flush
	}
	var parts []part
	memory := []part{}
	for _, p := range s.current.Load().parts {
		switch {
		case merged[p.segment]:
		case p.inMemory():
			memory = append(memory, p)
		default:
			parts = append(parts, p)
		}
	}
	s.publish(slices.Concat(parts, []part{written}, memory))
}
