package local

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"time"

	"engram/index/internal/disk"
	"engram/index/internal/wal"
)

// flush makes the snapshot of now what the folder holds. The caller holds the
// flusher lock. After an error the folder holds what it held before, the store
// loses nothing, and the next flush tries again.
func (s *Store) flush(ctx context.Context) error {
	frozen, err := s.freeze(false)
	if err != nil || frozen == nil {
		return err
	}
	return s.flushFrozen(ctx, frozen, flushing{plan: plan})
}

// flushAll is flush where the folder may hold the snapshot of now already.
func (s *Store) flushAll(ctx context.Context) error {
	frozen, err := s.freeze(true)
	if err != nil {
		return err
	}
	return s.flushFrozen(ctx, frozen, flushing{plan: plan})
}

// flushFrozen is flush for what freeze has returned. It writes one segment, with
// the rows in memory and the rows of segments that are due for merging by the plan
// of f, then changed tombstones, then the manifest that names them. Others may write
// to the store meanwhile; what they do is left for the next flush, and goes to the log
// that the manifest names.
func (s *Store) flushFrozen(ctx context.Context, frozen *frozen, f flushing) (err error) {
	defer func() {
		if s.failed = err != nil; !s.failed {
			_ = s.failure() // this flush has written what that one could not
		}
		frozen.release()
	}()
	f.store, f.log = s, frozen.log
	err = f.write(ctx, frozen.snapshot)
	manifest := f.manifest()
	if err == nil {
		err = s.folder.WriteManifest(manifest)
	}
	if err != nil {
		s.thaw(frozen.snapshot)
		if frozen.later {
			err = errors.Join(err, frozen.log.Discard(s.folder.FS))
		}
		return errors.Join(err, f.undo())
	}
	s.written = manifest
	s.replace(&f)
	// The manifest has its new name. Until that is durable the old files stay
	// as well, for a crash may bring back either manifest.
	if err := s.folder.Sync(); err != nil {
		s.thaw(frozen.snapshot)
		if frozen.later {
			_, e := frozen.log.Finish() // the manifest may name it
			err = errors.Join(err, e)
		}
		return err
	}
	if frozen.later {
		if err := s.startLog(frozen.log); err != nil {
			return err
		}
	}
	// What cannot be removed now is removed when the index is opened.
	used := manifest
	used.Segments = append(slices.Clone(used.Segments), s.making...)
	_ = s.folder.Sweep(used)
	s.writer.Lock()
	s.flushed = time.Now()
	s.writer.Unlock()
	s.beginGraphs()
	return nil
}

// frozen is a snapshot that is being written.
type frozen struct {
	*snapshot
	log   *wal.Log // of what is written since; nil: none
	later bool     // the log begins once the snapshot is durable (see switchLog)
}

// freeze returns the snapshot of now where it has what the manifest has not, or where
// all is set. Its segments in memory stay as they are until they are written. The caller
// holds the flusher lock.
func (s *Store) freeze(all bool) (*frozen, error) {
	s.writer.Lock()
	dirty := s.dirty
	s.writer.Unlock()
	if !dirty && !all {
		return nil, nil
	}
	log, err := s.nextLog()
	if err != nil {
		return nil, err
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	return s.freezeLocked(log), nil
}

// freezeLocked is freeze for whoever holds the writer lock too. Writes go to log from
// then on.
func (s *Store) freezeLocked(log *wal.Log) *frozen {
	snap := s.current.Load()
	snap.retain()
	for _, p := range snap.parts {
		p.segment.frozen = p.inMemory()
	}
	s.dirty, s.gone = false, 0
	return &frozen{snapshot: snap, log: log, later: s.switchLog(log)}
}

// thaw lets a later flush write what was frozen.
func (s *Store) thaw(frozen *snapshot) {
	s.writer.Lock()
	defer s.writer.Unlock()
	for _, p := range frozen.parts {
		p.segment.frozen = false
	}
	s.dirty = true
}

// replace publishes a snapshot with the segment that a flush has written in place
// of the segments that it was written from. Rows that were deleted meanwhile are
// dead in it, and rows that were added meanwhile stay in memory.
func (s *Store) replace(f *flushing) {
	s.writer.Lock()
	defer s.writer.Unlock()
	for segment, number := range f.indexed {
		segment.fields, segment.stored, segment.fresh = number, *s.fields.Load(), true
	}
	now := map[*segment]part{}
	for _, p := range s.current.Load().parts {
		now[p.segment] = p
	}
	var parts []part
	for _, p := range f.kept {
		if q := now[p.segment]; q.live != p.live {
			p = q // its tombstones are for the next flush
		}
		parts = append(parts, p)
		delete(now, p.segment)
	}
	if f.opened != nil {
		written := part{segment: f.opened, live: len(f.opened.IDs)}
		for _, p := range f.merged {
			written = written.without(p, now[p.segment])
			delete(now, p.segment)
		}
		parts = append(parts, written)
	}
	for _, p := range s.current.Load().parts {
		if _, since := now[p.segment]; since && p.inMemory() {
			parts = append(parts, p)
		}
	}
	s.publish(parts)
}

// without returns p, which was written from a part among others, without the
// rows of it that are dead now. The zero part has no live rows.
func (p part) without(before, now part) part {
	if now.live == before.live {
		return p
	}
	p.dead = p.dead.Clone(len(p.segment.IDs))
	for row, id := range before.segment.IDs {
		if before.dead.Has(row) || now.segment != nil && !now.dead.Has(row) {
			continue
		}
		if at, found := slices.BinarySearch(p.segment.IDs, id); found {
			p.dead.Set(at)
			p.live--
		}
	}
	return p
}

// flushing is one flush under way.
type flushing struct {
	store *Store
	log   *wal.Log // see frozen
	// plan says which parts are kept as they are, and which are written anew (see plan).
	plan func(context.Context, []part) (kept, merged []part, err error)
	// graph is told how many rows the graph of the new segment has by now; nil: it grows
	// from one that is there, if it gets any.
	graph func(rows int)

	kept    []part // segments that stay as they are
	merged  []part // segments whose rows are written into the new one
	created []string
	opened  *segment            // the new segment, if there is one
	refs    []disk.Ref          // where its rows come from; nil: it was there already
	indexed map[*segment]uint64 // the numbers of new files with field indexes
}

// write writes all but the manifest.
func (f *flushing) write(ctx context.Context, frozen *snapshot) (err error) {
	if f.kept, f.merged, err = f.plan(ctx, frozen.parts); err != nil {
		return err
	}
	if err := f.writeSegment(); err != nil {
		return err
	}
	if f.opened != nil {
		if err := f.writeGraph(ctx); err != nil {
			return err
		}
	}
	if err := f.writeIndexes(ctx); err != nil {
		return err
	}
	if err := f.writeTombstones(); err != nil {
		return err
	}
	return f.store.folder.Sync()
}

// create writes the file called name.
func (f *flushing) create(name string, write func(io.Writer) error) error {
	if err := f.store.folder.Write(name, write); err != nil {
		return err
	}
	f.created = append(f.created, name)
	return nil
}

// number returns the number of the next file.
func (f *flushing) number() uint64 {
	f.store.next++
	return f.store.next - 1
}

// writeSegment writes the live rows of merged as one segment, with their tokens, and
// opens it.
func (f *flushing) writeSegment() error {
	refs := slices.Collect(rows(f.merged))
	if len(refs) == 0 {
		return nil
	}
	if first := f.merged[0]; len(f.merged) == 1 && !first.inMemory() && len(refs) == len(first.segment.IDs) {
		return f.open(first.segment.file) // it would be written as it is
	}
	number := f.number()
	f.refs = refs
	err := f.create(disk.SegmentName(number), func(w io.Writer) error { return disk.WriteSegment(w, refs) })
	if err == nil && f.store.tokenSize() > 0 {
		err = f.create(disk.TokensName(number), func(w io.Writer) error { return disk.WriteTokens(w, refs) })
	}
	if err != nil {
		return err
	}
	return f.open(number)
}

// open opens the segment with a number as the new one.
func (f *flushing) open(number uint64) error {
	opened, err := disk.OpenSegment(filepath.Join(f.store.folder.Path, disk.SegmentName(number)))
	if err != nil {
		return err
	}
	if size := f.store.tokenSize(); size > 0 {
		if err := opened.OpenTokens(filepath.Join(f.store.folder.Path, disk.TokensName(number)), size); err != nil {
			return errors.Join(err, opened.Close())
		}
	}
	f.opened = &segment{Segment: opened, file: number}
	return nil
}

// writeTombstones writes the tombstones that have changed.
func (f *flushing) writeTombstones() error {
	for i := range f.kept {
		p := &f.kept[i]
		total := len(p.segment.IDs)
		if p.tombstones != 0 || p.live == total {
			continue
		}
		number := f.number()
		err := f.create(disk.TombstonesName(number), func(w io.Writer) error {
			return disk.WriteTombstones(w, p.dead, total)
		})
		if err != nil {
			return err
		}
		p.tombstones = number
	}
	return nil
}

func (f *flushing) manifest() disk.Manifest {
	info := f.store.info
	m := disk.Manifest{Dim: info.Dim, Space: info.Space, Tokens: info.Tokens, Labels: *f.store.labels.Load(), Fields: *f.store.fields.Load(), Next: f.store.next}
	if f.log != nil {
		m.Log = f.log.Number()
	}
	for _, p := range f.kept {
		m.Segments = append(m.Segments, disk.SegmentRecord{
			File: p.segment.file, Rows: len(p.segment.IDs), Dead: p.tombstones, Graph: p.segment.graph, Fields: f.indexes(p.segment),
		})
	}
	if f.opened != nil {
		m.Segments = append(m.Segments, disk.SegmentRecord{
			File: f.opened.file, Rows: len(f.opened.IDs), Graph: f.opened.graph, Fields: f.indexes(f.opened),
		})
	}
	return m
}

// undo removes what the flush has written.
func (f *flushing) undo() error {
	var errs []error
	if f.opened != nil {
		errs = append(errs, f.opened.Close())
	}
	for _, name := range f.created {
		errs = append(errs, f.store.folder.Remove(name))
	}
	return errors.Join(errs...)
}
