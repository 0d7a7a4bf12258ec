package local

import (
	"bytes"
	"slices"

	"engram/index"
	"engram/index/internal/bitmap"
)

// choice is what the indexes of a segment say about a filter, without the dead rows.
type choice struct {
	bitmap.Choice
	matches int // possible rows

	// What the choice was made of.
	filter []byte                          // see bitmap.AppendKey
	dead   *uint64                         // of part.dead, which is only replaced
	made   *map[bitmap.Field]*bitmap.Index // of the segment
}

// maxChoices is how many choices a segment keeps. One takes up two bits a row at most,
// where a code takes up some hundred bytes.
const maxChoices = 8

// choose returns what the indexes of the part's segment say about a filter. The
// choices of the last few filters are kept: a filter is mostly asked for again, and to
// join bitmaps takes half as long as a walk. key is what bitmap.AppendKey makes of the filter.
func (p part) choose(f index.Filter, key []byte) (*choice, error) {
	if p.inMemory() {
		return &choice{}, nil // it has no indexes
	}
	var dead *uint64
	if len(p.dead) > 0 {
		dead = &p.dead[0]
	}
	made, kept := p.segment.made.Load(), p.segment.choices.Load()
	if kept != nil {
		for _, c := range *kept {
			if c.dead == dead && c.made == made && bytes.Equal(c.filter, key) {
				return c, nil
			}
		}
	}
	found, err := bitmap.Choose(f, len(p.segment.IDs), func(field bitmap.Field) (*bitmap.Index, error) {
		return p.segment.index(field), nil
	})
	if err != nil {
		return nil, err
	}
	c := &choice{Choice: found, filter: slices.Clone(key), dead: dead, made: made}
	if found.Possible != nil {
		c.Possible.Remove(p.dead)
		c.matches = c.Possible.Count()
	}
	p.segment.remember(c, kept)
	return c, nil
}

// remember keeps a choice in place of the oldest one of kept. Where another search has
// kept one meanwhile, this one is found again by the next search that needs it.
func (s *segment) remember(c *choice, kept *[]*choice) {
	choices := []*choice{c}
	if kept != nil {
		choices = append(choices, (*kept)[:min(len(*kept), maxChoices-1)]...)
	}
	s.choices.CompareAndSwap(kept, &choices)
}
