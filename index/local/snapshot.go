package local

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"engram/index"
	"engram/index/internal/bitmap"
	"engram/index/internal/column"
	"engram/index/internal/disk"
)

// segment is a segment that snapshots share. It is closed when the last of
// them is released.
type segment struct {
	*disk.Segment
	file   uint64 // number of the file; 0: in memory
	graph  uint64 // number of the file of its graph; 0: none
	frozen bool   // in memory, and being written; the writer lock guards it
	tried  bool   // its graph was built or could not be; the writer lock guards it
	// taken says that its rows are being put into a graph; it is not merged meanwhile.
	taken atomic.Bool
	scans atomic.Int64 // searches that looked at all of its rows on disk for want of a graph
	// measured is how many rows the graph in memory had when its recall was measured, 0
	// where it has the levels of another.
	measured int
	users    atomic.Int64

	// fields is the number of the file with its field indexes, 0 where it has none,
	// stored lists them, and fresh says that this process has written it; who holds
	// flusher may use them.
	fields uint64
	stored []bitmap.Field
	fresh  bool
	made   atomic.Pointer[map[bitmap.Field]*bitmap.Index] // in memory; never changed, only replaced

	choices atomic.Pointer[[]*choice] // of the last filters, the newest first; never changed, only replaced
}

func (s *segment) release() {
	if s.users.Add(-1) == 0 {
		s.Close()
	}
}

// part is one segment as a snapshot sees it.
type part struct {
	segment *segment
	dead    column.Bits // never changed, only replaced
	live    int         // rows that are not dead
	// tombstones is the number of the file that holds dead, 0 where there is
	// none yet.
	tombstones uint64
}

// inMemory reports whether the rows are in no file.
func (p part) inMemory() bool { return p.segment.file == 0 }

// find returns the row of the live item with an id.
func (p part) find(id index.ID) (row int, ok bool) {
	return p.segment.Find(id, p.dead)
}

// snapshot is the index at one moment: an id is live in one part at most. It
// never changes. Segments stay open until it is released.
type snapshot struct {
	parts []part
	count int        // live rows
	loose int        // live rows in memory that are in no graph, nor about to be written
	bare  []*segment // on disk, without a graph
	users atomic.Int64
	done  func() // called after the last release
}

// acquire returns the snapshot of now, which the caller releases.
func (s *Store) acquire(ctx context.Context) (*snapshot, error) {
	for {
		snap := s.current.Load()
		if snap == nil {
			return nil, index.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if snap.retain() {
			return snap, nil
		}
		// It was replaced and released after Load: there is a newer one.
	}
}

// retain fails once nobody uses the snapshot any more.
func (s *snapshot) retain() bool {
	for {
		n := s.users.Load()
		if n == 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *snapshot) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	for _, p := range s.parts {
		p.segment.release()
	}
	s.done()
}

// publish makes parts the current snapshot. The caller holds the writer lock.
func (s *Store) publish(parts []part) {
	checkParts(parts)
	snap := &snapshot{parts: parts, done: s.snapshots.Done}
	for _, p := range parts {
		p.segment.users.Add(1)
		snap.count += p.live
		switch {
		case p.segment.Graph() != nil:
		case !p.inMemory():
			snap.bare = append(snap.bare, p.segment)
		case !p.segment.frozen:
			snap.loose += p.live
		}
	}
	snap.users.Store(1)
	s.snapshots.Add(1)
	if old := s.current.Swap(snap); old != nil {
		old.release()
	}
}

// without returns the parts with the items of ids, which are in ascending
// order, dead, and how many those were.
func (s *snapshot) without(ids []index.ID) (parts []part, removed int) {
	parts = slices.Clone(s.parts)
	for i := range parts {
		p := &parts[i]
		rows := len(p.segment.IDs)
		from, _ := slices.BinarySearch(ids, p.segment.IDs[p.segment.Nth(0)])
		cloned := false
		for _, id := range ids[from:] {
			if id > p.segment.IDs[p.segment.Nth(rows-1)] {
				break
			}
			row, ok := p.find(id)
			if !ok {
				continue
			}
			if !cloned {
				p.dead, p.tombstones, cloned = p.dead.Clone(rows), 0, true
			}
			p.dead.Set(row)
			p.live--
			removed++
		}
	}
	return parts, removed
}

// rows yields the live rows of parts in ascending order of id.
func rows(parts []part) iter.Seq[disk.Ref] { return rowsFrom(parts, 0) }

// rowsFrom is rows for ids from one on. It is a merge that yields a run of rows of
// one part at a time, up to the next id of another.
func rowsFrom(parts []part, from index.ID) iter.Seq[disk.Ref] {
	return func(yield func(disk.Ref) bool) {
		const last = index.ID(math.MaxUint64)
		at := make([]int, len(parts)) // next live row of each part, counted in order of id
		for i := range parts {
			at[i] = nextLive(parts[i], parts[i].segment.From(from))
		}
		for {
			least, first, second := -1, last, last // the part with the next id, that id, and the next one of another part
			for i, p := range parts {
				if at[i] == len(p.segment.IDs) {
					continue
				}
				if id := p.segment.IDs[p.segment.Nth(at[i])]; least < 0 || id < first {
					least, first, second = i, id, first
				} else {
					second = min(second, id)
				}
			}
			if least < 0 {
				return
			}
			p, i := parts[least], at[least]
			for ; i < len(p.segment.IDs) && p.segment.IDs[p.segment.Nth(i)] <= second; i = nextLive(p, i+1) {
				if !yield(disk.Ref{Segment: p.segment.Segment, Row: p.segment.Nth(i)}) {
					return
				}
			}
			at[least] = i
		}
	}
}

// nextLive returns the first live row from the i-th on, counted in order of id.
func nextLive(p part, i int) int {
	for i < len(p.segment.IDs) && p.dead.Has(p.segment.Nth(i)) {
		i++
	}
	return i
}
