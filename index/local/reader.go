package local

import (
	"context"
	"fmt"

	"engram/index"
	"engram/index/internal/disk"
)

// OpenReadOnly opens the index in the folder dir for reading, with what was flushed and
// logged by then. It changes nothing in the folder and takes no lock: any number of
// processes read an index, from a file system that cannot be written too, while
// one writes to it. What is written after OpenReadOnly returns is not seen; the
// files that a writer replaces stay open until Close. A write returns
// index.ErrReadOnly. Errors are as for Open, without index.ErrLocked.
func OpenReadOnly(dir string) (*Store, error) {
	files, err := disk.OpenReadOnly(dir)
	if err != nil {
		return nil, err
	}
	return newStore(files)
}

// readOnly reports whether the store was opened by OpenReadOnly.
func (s *Store) readOnly() bool { return s.lock == nil }

// checkOpen refuses a call of a store that was closed, or whose context has ended.
func (s *Store) checkOpen(ctx context.Context) error {
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	return ctx.Err()
}

// checkWritable refuses a write to a store that was opened for reading or is damaged.
func (s *Store) checkWritable() error {
	if s.readOnly() {
		return fmt.Errorf("%s was opened for reading: %w", s.folder.Path, index.ErrReadOnly)
	}
	if damage := s.recovery.damage(); len(damage) > 0 {
		return fmt.Errorf("%s can be read and not written to until it is repaired (engram index repair): %w: %w",
			s.folder.Path, damage[0], index.ErrReadOnly)
	}
	return nil
}
