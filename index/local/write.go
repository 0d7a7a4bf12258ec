package local

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"engram/index"
	"engram/index/internal/disk"
)

// Upsert implements index.Store. Of items with the same id the last one counts.
//
// Where the rows in memory have grown past 64 MiB (see BeginBulk) it begins to
// flush them in the background, so that they are durable before Flush is called,
// whole calls at a time. Where they grow past it again meanwhile, the call waits. It
// does so, too, where the log has grown past 256 MiB, or a fifth of the rows on disk was
// deleted or replaced since the last flush.
// After a flush in the background that failed, the next Upsert or Delete returns
// its error and applies nothing. The one after it flushes by itself first where
// there is too much in memory, and fails where that fails too.
func (s *Store) Upsert(ctx context.Context, items []index.Item) error {
	change, err := s.upserting(items)
	if err != nil {
		return err
	}
	return s.write(ctx, disk.Record{Upserted: items}, change)
}

// change makes the parts of the next snapshot from the current one; nil parts change
// nothing.
type change func(*snapshot) ([]part, error)

// upserting returns the change that adds items.
func (s *Store) upserting(items []index.Item) (change, error) {
	added, err := s.segment(items)
	if err != nil {
		return nil, err
	}
	return func(snap *snapshot) ([]part, error) {
		if len(added.IDs) == 0 {
			return nil, nil
		}
		parts, _ := snap.without(added.IDs)
		return s.mergeInMemory(append(parts, part{segment: &segment{Segment: added}, live: len(added.IDs)}))
	}, nil
}

// segment makes a segment in memory of items.
func (s *Store) segment(items []index.Item) (*disk.Segment, error) {
	order := make([]int, len(items))
	for i := range order {
		order[i] = len(order) - 1 - i
	}
	// The last of equal ids comes first, and stays.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(items[a].ID, items[b].ID) })
	order = slices.CompactFunc(order, func(a, b int) bool { return items[a].ID == items[b].ID })
	b := disk.NewBuilder(s.info.Dim, len(order), s.tokenSize())
	for _, i := range order {
		if err := b.Add(items[i]); err != nil {
			return nil, err
		}
	}
	added := b.Segment()
	checkSegment(added)
	return added, nil
}

// Delete implements index.Store.
func (s *Store) Delete(ctx context.Context, ids []index.ID) (int, error) {
	removed := 0
	err := s.write(ctx, disk.Record{Deleted: ids}, s.deleting(ids, &removed))
	if err == nil {
		s.giveBack(ctx)
	}
	return removed, err
}

// giveBack begins a flush where one is due and none is under way: no write may follow.
func (s *Store) giveBack(ctx context.Context) {
	if _, due, _ := s.pressure(); !due || !s.flusher.TryLock() {
		return
	}
	size, due, _ := s.pressure()
	if due && !s.failed {
		if frozen, err := s.freeze(true); err == nil { // or else the next write tells
			s.flushInBackground(ctx, frozen, size)
			return
		}
	}
	s.flusher.Unlock()
}

// deleting returns the change that removes items, and counts them.
func (s *Store) deleting(ids []index.ID, removed *int) change {
	sorted := sortedIDs(ids)
	return func(snap *snapshot) (parts []part, err error) {
		parts, *removed = snap.without(sorted)
		if *removed == 0 {
			return nil, nil
		}
		return s.mergeInMemory(parts)
	}
}

// Flush implements index.Store.
func (s *Store) Flush(ctx context.Context) error {
	s.flusher.Lock()
	defer s.flusher.Unlock()
	if err := s.checkOpen(ctx); err != nil {
		return err
	}
	return s.explainFull(s.flush(ctx))
}

// write logs a record and publishes the snapshot that its change makes. It returns when
// the record is durable as the store's durability says. Where it is logged and cannot be
// made durable, the change is published and the error returned.
func (s *Store) write(ctx context.Context, r disk.Record, c change) error {
	return s.explainFull(s.writeRecord(ctx, r, c))
}

func (s *Store) writeRecord(ctx context.Context, r disk.Record, c change) error {
	if err := s.checkWritable(); err != nil && s.current.Load() != nil {
		return err // before rows of the log are flushed for want of room
	}
	for {
		if err := s.makeRoom(ctx); err != nil {
			return err
		}
		if err := s.beginLog(ctx); err != nil {
			return err
		}
		wait, ready, err := s.apply(ctx, r, c)
		if err != nil || ready {
			if err == nil && wait != nil {
				err = wait()
			}
			return err
		}
	}
}

// apply is write without the wait. It reports ready false, and has done nothing, where
// a log must begin first.
func (s *Store) apply(ctx context.Context, r disk.Record, c change) (wait func() error, ready bool, err error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	snap := s.current.Load()
	if snap == nil || s.closing {
		return nil, false, index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if err := s.checkWritable(); err != nil {
		return nil, false, err
	}
	if s.logging() && s.log == nil {
		return nil, false, nil
	}
	parts, err := c(snap)
	if err != nil || parts == nil {
		return nil, true, err
	}
	if wait, err = s.append(r); err != nil {
		return nil, false, err
	}
	s.dirty = true
	s.gone += liveOnDisk(snap.parts) - liveOnDisk(parts)
	s.publish(parts)
	return wait, true, nil
}

// makeRoom begins a flush where one is due. Everybody goes on writing to the store until
// the next one is; then they wait here. It returns the error of a flush in the background
// that failed.
func (s *Store) makeRoom(ctx context.Context) error {
	_, due, urgent := s.pressure()
	if urgent {
		// One call begins the flush. Others that saw the same need wait for that, and not
		// until the flush has ended.
		s.room.Lock()
		defer s.room.Unlock()
		_, due, urgent = s.pressure()
	}
	if !due {
		return s.failure()
	}
	if urgent {
		s.flusher.Lock()
	} else if !s.flusher.TryLock() {
		return s.failure() // space is given back a little later
	}
	size, due, _ := s.pressure()
	if err := s.failure(); err != nil || !due { // where it is not, somebody else has flushed
		s.flusher.Unlock()
		return err
	}
	if !s.failed {
		frozen, err := s.freeze(true)
		if err != nil {
			s.flusher.Unlock()
			return err
		}
		s.flushInBackground(ctx, frozen, size)
		return nil
	}
	defer s.flusher.Unlock()
	if err := s.flush(ctx); err != nil {
		return fmt.Errorf("writing %d bytes of rows from memory: %w", size, err)
	}
	return nil
}

const (
	// A flush is due once so many rows on disk have gone since the last one, and a part of
	// all that there were: it gives their space back (see plan).
	minGone  = 2000
	partGone = 5 // one in five
)

// pressure returns the bytes of the rows in memory that no flush is about to write, and
// whether a flush is due: urgent where memory or the log, in which rows stay that were
// replaced in memory, must not grow further, or else for rows on disk that have gone.
func (s *Store) pressure() (size int, due, urgent bool) {
	s.writer.Lock()
	defer s.writer.Unlock()
	snap := s.current.Load()
	if snap == nil {
		return 0, false, false
	}
	for _, p := range snap.parts {
		if p.inMemory() && !p.segment.frozen {
			size += p.segment.Bytes()
		}
	}
	stored := s.gone + liveOnDisk(snap.parts)
	urgent = size > s.memoryLimit || s.log != nil && s.log.Size() > s.maxLog
	return size, urgent || !s.bulk && s.gone >= minGone && partGone*s.gone >= stored, urgent
}

// liveOnDisk is the number of live rows in files.
func liveOnDisk(parts []part) int {
	n := 0
	for _, p := range parts {
		if !p.inMemory() {
			n += p.live
		}
	}
	return n
}

// smallInMemory is the size in bytes from which a segment in memory is not
// joined with others: copying it costs more than having one more of them.
const smallInMemory = 4 << 20

// mergeInMemory drops segments in memory that are dead, and joins the last two
// as long as they are small and the newer has at least half the rows of the
// older. So there are few, and a row is copied a logarithmic number of times.
// Parts on disk come first and stay.
func (s *Store) mergeInMemory(parts []part) ([]part, error) {
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.inMemory() && p.live == 0 })
	for n := len(parts); n >= 2 && joinable(parts[n-2], parts[n-1]); n-- {
		joined := disk.NewBuilder(s.info.Dim, parts[n-2].live+parts[n-1].live, s.tokenSize())
		for row := range rows(parts[n-2:]) {
			if err := joined.Copy(row); err != nil {
				return nil, err
			}
		}
		merged := joined.Segment()
		checkSegment(merged)
		parts = append(parts[:n-2], part{segment: &segment{Segment: merged}, live: len(merged.IDs)})
	}
	return parts, nil
}

func joinable(older, newer part) bool {
	for _, p := range []part{older, newer} {
		if !p.inMemory() || p.segment.frozen || p.segment.taken.Load() || p.segment.Graph() != nil {
			return false
		}
	}
	return older.live <= 2*newer.live && older.segment.Bytes() < smallInMemory
}

const (
	// bulkMemory is the memory limit of a bulk load. A segment of that size is
	// written once and not merged again (see plan).
	bulkMemory = 256 << 20
	// BulkMemory is how many bytes of memory a bulk load takes up: rows that come
	// in and as many that are being written, and as much again that waits to be
	// collected.
	BulkMemory = 2 * 2 * bulkMemory
)

var _ index.Bulk = (*Store)(nil)

// BeginBulk implements index.Bulk: up to EndBulk, rows may take up 256 MiB of
// memory before Upsert has them flushed, and as much again while it does. Searches
// find them all the same.
func (s *Store) BeginBulk(context.Context) error { return s.setBulk(true) }

// setBulk begins or ends a bulk load. Its rows are not logged.
func (s *Store) setBulk(bulk bool) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	if err := s.checkWritable(); err != nil {
		return err
	}
	s.bulk, s.memoryLimit = bulk, defaultMemoryLimit
	if bulk {
		s.memoryLimit = bulkMemory
		return s.endLog()
	}
	return nil
}
