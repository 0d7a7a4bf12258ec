package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/internal/wal"
)

// Durability says when what Upsert, Delete and SetPayloads have changed survives which
// end of the process. A Flush makes all of it durable in every case.
type Durability string

// The durabilities, from the fastest to the safest.
const (
	// AtFlush keeps what is not flushed in memory only.
	AtFlush Durability = "flush"
	// Logged writes each call to a log that is not synced: it survives the end of the
	// process, and not a power loss.
	Logged Durability = "log"
	// Grouped also syncs the log before a call returns. Calls of 10 ms share a sync.
	Grouped Durability = "group"
	// Synced is Grouped without the 10 ms: calls share a sync that waited for another.
	Synced Durability = "call"
)

// groupTime is how long a sync of the log waits for more calls (see Grouped).
const groupTime = 10 * time.Millisecond

// ParseDurability returns the durability of a name.
func ParseDurability(name string) (Durability, error) {
	switch d := Durability(name); d {
	case AtFlush, Logged, Grouped, Synced:
		return d, nil
	}
	return "", fmt.Errorf("the durability %q, wanted %q, %q, %q or %q", name, AtFlush, Logged, Grouped, Synced)
}

// SetDurability sets the durability of calls from now on; at first it is AtFlush. A bulk
// load is AtFlush until EndBulk, whatever is set.
func (s *Store) SetDurability(d Durability) error {
	if err := s.checkWritable(); err != nil {
		return err
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	s.durability = d
	return s.endLog()
}

// logging reports whether writes are logged. The caller holds the writer lock.
func (s *Store) logging() bool { return s.durability != AtFlush && !s.bulk && !s.closing }

// endLog has no more records go to the log. The next write that is to be logged begins
// with a flush. The caller holds the writer lock.
func (s *Store) endLog() (err error) {
	if s.log != nil {
		s.logEnd, err = s.log.Finish()
		s.log = nil
	}
	return err
}

// beginLog has a log that writes can be appended to, where they are to be logged. The
// log begins with a flush, so that it has all that was written since the segments.
func (s *Store) beginLog(ctx context.Context) error {
	if !s.needsLog() {
		return nil
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	if !s.needsLog() { // somebody else has begun one
		return nil
	}
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	return s.flushAll(ctx)
}

func (s *Store) needsLog() bool {
	s.writer.Lock()
	defer s.writer.Unlock()
	return s.logging() && (s.log == nil || s.log.Err() != nil)
}

// nextLog makes the log that writes go to once the snapshot is frozen, nil where they are
// not logged. The caller holds the flusher lock.
func (s *Store) nextLog() (*wal.Log, error) {
	s.writer.Lock()
	logging, group := s.logging(), time.Duration(0)
	if s.durability == Grouped {
		group = groupTime
	}
	s.writer.Unlock()
	if !logging {
		return nil, nil
	}
	number := s.next
	s.next++
	log, err := wal.Create(s.folder.FS, s.folder.Path, number, group)
	if err != nil {
		return nil, err
	}
	if err := s.folder.Sync(); err != nil {
		return nil, errors.Join(err, log.Discard(s.folder.FS))
	}
	return log, nil
}

// switchLog has writes go to the log next, nil for none, from the snapshot of now on. It
// reports whether next can begin only once that snapshot is durable, because no log
// has all that is in memory; until then, writes wait (see beginLog). The caller holds the
// writer lock.
func (s *Store) switchLog(next *wal.Log) (later bool) {
	logged := s.log != nil
	err := s.endLog()
	if next == nil {
		return false
	}
	if !logged || err != nil || next.Follow(s.logEnd) != nil {
		return true
	}
	s.log = next
	return false
}

// startLog begins the log that switchLog could not begin.
func (s *Store) startLog(next *wal.Log) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := next.Follow(s.logEnd); err != nil {
		_, e := next.Finish()
		return errors.Join(err, e)
	}
	s.log = next
	if s.logging() {
		return nil
	}
	return s.endLog()
}

// append logs a change and returns what waits until it is durable. The caller holds the
// writer lock.
func (s *Store) append(r disk.Record) (wait func() error, err error) {
	if s.log == nil {
		return func() error { return nil }, nil
	}
	log := s.log
	seq, err := log.Append(r.Append(nil))
	if err != nil {
		return nil, fmt.Errorf("logging a write: %w", err)
	}
	if s.durability == Logged {
		return func() error { return nil }, nil
	}
	return func() error { return log.Wait(seq) }, nil
}

// replay applies the records of a log to a store that is being opened. Records that it
// cannot apply are damage.
func (s *Store) replay(files *disk.Files) error {
	chain := files.Log
	s.logEnd, s.next = chain.End, max(s.next, chain.Newest+1)
	s.recovery = Recovery{Damage: chain.Damage}
	for _, d := range files.Damaged {
		s.recovery.Segments = append(s.recovery.Segments, DamagedSegment{Rows: d.Record.Rows, Err: d.Err})
	}
	for _, t := range chain.Torn {
		s.recovery.Torn += t.Bytes
	}
	for _, r := range chain.Records {
		err := s.replayRecord(r.Content)
		if errors.Is(err, index.ErrCorrupt) {
			path := filepath.Join(s.folder.Path, wal.Name(r.Log))
			s.recovery.Damage = append(s.recovery.Damage, fmt.Errorf("log %s: at byte %d: %w", path, r.At, err))
		} else if err != nil {
			return err
		} else {
			s.recovery.Records++
		}
	}
	s.dirty = s.recovery.Records > 0 && s.checkWritable() == nil
	return nil
}

// replayRecord applies a record; index.ErrCorrupt says that it is none of this index.
func (s *Store) replayRecord(content []byte) error {
	r, err := disk.DecodeRecord(content, s.info.Dim, s.tokenSize())
	if err != nil {
		return err
	}
	change, err := s.changeOf(r)
	if err != nil {
		return fmt.Errorf("a record in the log is refused: %w: %w", err, index.ErrCorrupt)
	}
	parts, err := change(s.current.Load())
	if err == nil && parts != nil {
		s.publish(parts)
	}
	return err
}

// changeOf returns what applies a record.
func (s *Store) changeOf(r disk.Record) (change, error) {
	switch {
	case r.Upserted != nil:
		return s.upserting(r.Upserted)
	case r.Payloads != nil:
		return s.settingPayloads(r.Payloads, new(int))
	}
	return s.deleting(r.Deleted, new(int)), nil
}
