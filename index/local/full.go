package local

import (
	"errors"
	"fmt"
	"syscall"
)

// explainFull adds to the error of a full disk what that means and how to get out of it.
// A delete needs room as any write does: for its record in the log, and for the rows that
// are left of a segment, which are written before the segment is removed.
func (s *Store) explainFull(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fmt.Errorf("the disk of the index %s is full: searches go on and nothing is lost that was written, but writes need room, "+
		"deletes too; make room beside the index, and write again: %w", s.folder.Path, err)
}
