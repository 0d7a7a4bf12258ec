package index

import (
	"cmp"
	"context"
	"slices"
)

// ValueCount says how many items have a value under a key of their payloads.
type ValueCount struct {
	Value any // a string or a bool
	Items int
}

// ValueCounter is a Store that counts the values under a key of payloads, for facets.
type ValueCounter interface {
	Store

	// CountValues counts the live items that have each string or bool under a key, or in
	// its list, with most items first and equal counts by value. Other values are not
	// counted. errors.ErrUnsupported says that the store would have to read too many
	// payloads.
	CountValues(ctx context.Context, key string) ([]ValueCount, error)
}

// ValueCounts gathers counts of values.
type ValueCounts map[any]int

// Add counts the value of an item, each element of a list once.
func (c ValueCounts) Add(value any) {
	switch v := value.(type) {
	case string, bool:
		c[v]++
	case []string:
		for i, element := range v {
			if !slices.Contains(v[:i], element) {
				c[element]++
			}
		}
	}
}

// Sorted returns the counts in the order of ValueCounter.
func (c ValueCounts) Sorted() []ValueCount {
	all := make([]ValueCount, 0, len(c))
	for value, items := range c {
		all = append(all, ValueCount{value, items})
	}
	slices.SortFunc(all, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), compareValues(a.Value, b.Value))
	})
	return all
}

// compareValues orders false before true, and both before strings.
func compareValues(a, b any) int {
	rank := func(v any) (int, string) {
		switch v := v.(type) {
		case bool:
			if v {
				return 1, ""
			}
			return 0, ""
		case string:
			return 2, v
		}
		return 3, ""
	}
	ai, as := rank(a)
	bi, bs := rank(b)
	return cmp.Or(cmp.Compare(ai, bi), cmp.Compare(as, bs))
}
