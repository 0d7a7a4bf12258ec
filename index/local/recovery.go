package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
	"engram/index/internal/disk"
	"engram/index/internal/wal"
)

// Recovery is what opening an index found in its log, and what it could not open.
type Recovery struct {
	Records int // that were applied, those after damage too
	// Torn is how many bytes at the ends of logs were left out: of calls that had not
	// returned, or whose durability is Logged before a power loss.
	Torn int64
	// Damage says with file and offset which records are lost, though their calls had
	// returned; each is index.ErrCorrupt. A damaged index refuses writes
	// (index.ErrReadOnly) until it is repaired.
	Damage []error
	// Segments are the segments that cannot be read; likewise.
	Segments []DamagedSegment
}

// DamagedSegment is a segment whose items are not found.
type DamagedSegment struct {
	Rows int   // items at most, for some of them may have been deleted
	Err  error // says which file, index.ErrCorrupt
}

// damage returns all that is damaged.
func (r Recovery) damage() []error {
	errs := slices.Clone(r.Damage)
	for _, d := range r.Segments {
		errs = append(errs, fmt.Errorf("%d items at most cannot be read: %w", d.Rows, d.Err))
	}
	return errs
}

// String says what is damaged, a line each.
func (r Recovery) String() string {
	if err := errors.Join(r.damage()...); err != nil {
		return err.Error()
	}
	return ""
}

// Recovery returns what opening the index found.
func (s *Store) Recovery() Recovery { return s.recovery }

// DamagedFolder is the name of the folder in an index where repairs keep damaged files.
const DamagedFolder = "damaged"

// RepairLog writes the index in the folder dir anew without its log, if that is damaged:
// with the rows of its segments and what the sound records did to them. It returns the
// damage, by which the other records are lost, and keeps the logs in DamagedFolder. Errors
// are as for Open.
func RepairLog(ctx context.Context, dir string) (lost []error, err error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	lost = s.recovery.Damage
	if len(lost) > 0 {
		if err := s.keepLogs(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.recovery.Damage = nil
		s.flusher.Lock()
		err = s.flushAll(ctx)
		s.flusher.Unlock()
		if err != nil {
			s.recovery.Damage = lost // Close leaves the index as it is
			return nil, errors.Join(err, s.Close())
		}
	}
	return lost, s.Close()
}

// keepLogs copies the logs into DamagedFolder.
func (s *Store) keepLogs() error {
	to := disk.Folder{Path: filepath.Join(s.folder.Path, DamagedFolder), FS: s.folder.FS}
	if err := vfs.MkdirAllFS(to.FS, to.Path, 0o777); err != nil {
		return err
	}
	names, err := wal.Names(s.folder.Path, s.written.Log)
	if err != nil {
		return err
	}
	for _, name := range names {
		from, err := os.Open(filepath.Join(s.folder.Path, name))
		if err != nil {
			return err
		}
		err = to.Write(name, func(w io.Writer) error {
			_, err := io.Copy(w, from)
			return err
		})
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return to.Sync()
}
