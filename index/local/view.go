package local

import (
	"sync/atomic"

	"engram/index"
	"engram/index/internal/bitmap"
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
		v.parts[i] = column.Part{Rows: &p.segment.Rows, Dead: p.dead}
		if f == nil {
			continue
		}
		if err := v.choose(&v.parts[i], p, f); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// choose narrows a part to the rows that a filter chooses: by the indexes of fields,
// and by payloads where those leave rows open.
func (v *view) choose(seen *column.Part, p part, f index.Filter) error {
	c, err := bitmap.Choose(f, len(p.segment.IDs), func(field bitmap.Field) (*bitmap.Index, error) {
		return p.segment.index(field), nil
	})
	if err != nil {
		return err
	}
	if c.Possible != nil {
		c.Possible.Remove(p.dead)
		seen.Possible = c.Possible
		seen.Matches = seen.Possible.Count()
	}
	if c.Exact {
		return nil
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
	return nil
}
