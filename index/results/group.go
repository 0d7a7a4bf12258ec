package results

import (
	"context"
	"math"
	"slices"

	"engram/index"
)

// groupValues returns the values of an item under a payload key by which it is
// grouped, in the order of compareValues, each once. A list has its elements. An item
// without the key, with nil, an empty list or a number that is not finite is in no
// group.
func groupValues(p index.Payload, key string) []any {
	list, isList := p[key].([]string)
	if !isList {
		if value := groupValue(p[key]); value != nil {
			return []any{value}
		}
		return nil
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(list)))
	values := make([]any, len(sorted))
	for i, text := range sorted {
		values[i] = text
	}
	return values
}

// groupValue returns the value of one group: numbers that index.Equal takes for equal
// are one, an int64 where there is such a one.
func groupValue(value any) any {
	switch value := value.(type) {
	case string, bool, int64:
		return value
	case float64:
		switch {
		case !finite(value):
			return nil
		case value == math.Trunc(value) && value >= -1<<63 && value < 1<<63:
			return int64(value)
		}
		return value
	}
	return nil
}

// members are the hits of a group behind its first one.
type members struct {
	value  any
	others []*Hit
}

// group adds a hit to its groups, and lists the groups that it leads.
func (s *search) group(hit entry) {
	for _, value := range groupValues(hit.Payload, s.GroupBy) {
		g, known := s.groups[value]
		switch {
		case !known:
			hit.group = &members{value: value}
			s.groups[value] = hit.group
			if s.from.groupAfter(hit.Hit.Hit, value) {
				s.listed = append(s.listed, hit)
			}
		case len(g.others) < s.size()-1:
			g.others = append(g.others, hit.Hit)
		}
	}
}

// full reports whether the groups of the page are.
func (s *search) full() bool {
	return !slices.ContainsFunc(s.listed[:s.K], func(e entry) bool { return len(e.group.others) < s.size()-1 })
}

// fills reports whether a search of its own finds the members of a group. It cannot
// know near-duplicates of hits of other groups, nor rank as Ranked does: then members
// are found among the hits that are looked at.
func (s *search) fills() bool { return s.Fold == 0 && s.Metric == "" }

// fill finds the members of groups that are not full.
func (s *search) fill(ctx context.Context, page []entry) error {
	var lacking []entry
	var values []any
	for _, e := range page {
		if len(e.group.others) < s.size()-1 {
			lacking, values = append(lacking, e), append(values, e.group.value)
		}
	}
	found, err := index.SearchBatch(ctx, s.Store, s.within(s.GroupBy, values, s.size()+len(s.Without)))
	if err != nil {
		return err
	}
	for i, e := range lacking {
		e.group.others = nil
		for _, h := range found[i] {
			low := s.MinScore != nil && float64(h.Score) < *s.MinScore
			if !low && h.ID != e.ID && !s.left(h.ID) && len(e.group.others) < s.size()-1 {
				e.group.others = append(e.group.others, &Hit{Hit: h})
			}
		}
	}
	return nil
}
