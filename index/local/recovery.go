package local

import (
	"errors"
	"fmt"
	"slices"
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
