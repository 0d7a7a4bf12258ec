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
	key   []byte // of the filter (see bitmap.AppendKey)
	// asked counts the rows on disk whose payloads the filter was asked about.
	asked atomic.Int64
}

// see sets what a search with a filter, nil for none, sees of a snapshot.
func (v *view) see(snap *snapshot, f index.Filter) error {
	v.parts = v.parts[:0]
	v.asked.Store(0)
	if f != nil {
		v.key = bitmap.AppendKey(v.key[:0], f)
	}
	for _, p := range snap.parts {
		seen, err := v.narrow(p, f)
		if err != nil {
			return err
		}
		v.parts = append(v.parts, seen)
	}
	return nil
}

// narrow narrows what a search sees of the part to the rows that a filter chooses: by the
// indexes of fields, and by payloads where those leave rows open.
func (v *view) narrow(p part, f index.Filter) (column.Part, error) {
	seen := column.Part{Rows: &p.segment.Rows, Dead: p.dead, Live: p.live}
	if f == nil {
		return seen, nil
	}
	c, err := p.choose(f, v.key)
	if err != nil {
		return seen, err
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
