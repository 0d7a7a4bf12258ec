package local

import (
	"sync/atomic"

	"engram/index"
	"engram/index/internal/column"
)

// view is what a search sees of a snapshot.
type view struct {
	parts []column.Part
	// asked counts the rows on disk whose payloads the filter was asked about.
	asked atomic.Int64
}

// see returns what a search with a filter, nil for none, sees of a snapshot.
func (s *snapshot) see(f index.Filter) (*view, error) {
	v := &view{parts: make([]column.Part, len(s.parts))}
	for i, p := range s.parts {
		var err error
		if v.parts[i], err = v.see(p, f); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// see narrows what a search sees of the part to the rows that a filter chooses: by the
// indexes of fields, and by payloads where those leave rows open.
func (v *view) see(p part, f index.Filter) (column.Part, error) {
	seen := column.Part{Rows: &p.segment.Rows, Dead: p.dead}
	if f == nil {
		return seen, nil
	}
	c, err := &choice{}, error(nil)
	if !p.inMemory() {
		if c, err = p.choose(f); err != nil {
			return seen, err
		}
	}
	seen.Possible, seen.Matches = c.Possible, c.matches
	if c.Exact {
		return seen, nil
	}
	seen.Filter = func() column.Chooser {
		choose := p.segment.Chooser(f)
		return func(row int) (bool, error) {
			if c.Sure.Has(row) {
				return true, nil
			}
			if !p.inMemory() {
				v.asked.Add(1)
			}
			return choose(row)
		}
	}
	return seen, nil
}
