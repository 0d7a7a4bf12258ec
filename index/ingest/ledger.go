package ingest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// LedgerName is the name of the ledger in its folder.
const LedgerName = "build.jsonl"

// Ledger records how far the build of an index has come, shard by shard. It is a
// file of lines that only grows (see FORMAT.md):
//
//	shards begun, before their first row is stored
//	rows settled, after the store has flushed them
//	the end of a run that has gone through all shards
//
// So after a crash the store has at least what the ledger says, and what the store
// has beyond that gets the same ids in the next run. A last line that is torn was
// never acted upon, and is cut off.
type Ledger struct {
	file   vfs.File
	size   int64 // where the next line goes
	shards map[string]*state
	end    *end // of the last run that came to its end
}

// state is what the entries of a shard say together.
type state struct {
	record
	bad []int // the numbers of bad rows, ascending
}

// OpenLedger opens the ledger in a folder, or begins one. ErrLocked says that
// another process has it open, ErrCorrupt that a line before the last is damaged.
func OpenLedger(dir string) (*Ledger, error) { return OpenLedgerFS(vfs.OS{}, dir) }

// OpenLedgerFS is OpenLedger on a file system.
func OpenLedgerFS(fsys vfs.FS, dir string) (*Ledger, error) {
	path := filepath.Join(dir, LedgerName)
	folder := disk.Folder{Path: dir, FS: fsys}
	file, err := folder.Lock(LedgerName)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	l := &Ledger{file: file, shards: map[string]*state{}}
	err = l.load()
	if err == nil {
		err = folder.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("build: %s: %w", path, err), file.Close())
	}
	return l, nil
}

// load reads the lines, cuts a torn one off, and makes the others durable: the
// process that wrote them may have been killed before it could.
func (l *Ledger) load() (err error) {
	if l.size, err = scan(l.file, l.apply); err != nil {
		return err
	}
	if err := l.file.Truncate(l.size); err != nil {
		return err
	}
	return l.file.Sync()
}

// append writes entries and makes them durable. Where that fails it takes them
// back, so that the next line does not follow half of one.
func (l *Ledger) append(entries ...entry) error {
	var text []byte
	for _, e := range entries {
		t, err := e.text()
		if err != nil {
			return err
		}
		text = append(text, t...)
	}
	if len(entries) == 0 {
		return nil
	}
	_, err := l.file.WriteAt(text, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(text))
	for _, e := range entries {
		if err := l.apply(e); err != nil {
			return err
		}
	}
	return nil
}

// apply takes an entry into the states.
func (l *Ledger) apply(e entry) error {
	if e.End != nil {
		l.end = e.End
	}
	r := e.Shard
	if r == nil {
		return nil
	}
	if r.Gone {
		delete(l.shards, r.Name)
		return nil
	}
	s := l.shards[r.Name]
	if s == nil || r.From == 0 {
		s = &state{}
		l.shards[r.Name] = s
	}
	if r.From != s.Next {
		return fmt.Errorf("shard %s goes on at row %d, it had come to row %d: %w", r.Name, r.From, s.Next, index.ErrCorrupt)
	}
	sum, bad := s.counts, s.bad
	sum.add(r.counts)
	for _, b := range r.Bad {
		bad = append(bad, b.Row)
	}
	*s = state{record: *r, bad: bad}
	s.counts, s.Bad = sum, nil
	return nil
}

// Reopen has the next build go through all shards again, after the store has lost items that
// the ledger has as stored. Images that the store still has are not encoded again. It
// returns false where no shard was begun.
func (l *Ledger) Reopen() (bool, error) {
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(l.shards)) {
		entries = append(entries, entry{Shard: &record{Name: name, Stale: true}}) // no version has this fingerprint
	}
	return len(entries) > 0, l.append(entries...)
}

// each calls do with every entry of the file.
func (l *Ledger) each(do func(entry) error) error {
	if _, err := scan(io.NewSectionReader(l.file, 0, l.size), do); err != nil {
		return fmt.Errorf("build: %s: %w", l.file.Name(), err)
	}
	return nil
}

// state returns what is known of a shard, or nil.
func (l *Ledger) state(shard string) *state {
	if l == nil {
		return nil
	}
	return l.shards[shard]
}

// Close closes the file and gives up its lock.
func (l *Ledger) Close() error { return l.file.Close() }
