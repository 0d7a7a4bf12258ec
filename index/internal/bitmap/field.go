package bitmap

import (
	"cmp"
	"fmt"
	"slices"

	"engram/index"
)

// Kind says which conditions an index of a field decides.
type Kind string

// The kinds of indexes.
const (
	Values Kind = "values" // Equal, In, Range and Exists
	Words  Kind = "words"  // Text
)

// Field is a key of payloads and the kind of conditions that ask about it.
type Field struct {
	Key  string `json:"key"`
	Kind Kind   `json:"kind"`
}

// String describes the field, as in "caption (words)".
func (f Field) String() string { return fmt.Sprintf("%s (%s)", f.Key, f.Kind) }

// Check refuses a field that no index can have.
func (f Field) Check() error {
	if f.Key == "" {
		return fmt.Errorf("an index of %s of no key, wanted a key of the payload", f.Kind)
	}
	if f.Kind != Values && f.Kind != Words {
		return fmt.Errorf("an index of kind %q for %q, wanted %s or %s", f.Kind, f.Key, Values, Words)
	}
	return nil
}

// Compare orders fields by key and then kind.
func Compare(a, b Field) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Kind, b.Kind)) }

// Fields returns the fields that a filter asks about, in ascending order, each once.
func Fields(f index.Filter) []Field {
	fields := appendFields(nil, f)
	slices.SortFunc(fields, Compare)
	return slices.Compact(fields)
}

func appendFields(fields []Field, f index.Filter) []Field {
	switch f := f.(type) {
	case index.And:
		for _, part := range f {
			fields = appendFields(fields, part)
		}
	case index.Or:
		for _, part := range f {
			fields = appendFields(fields, part)
		}
	case index.Not:
		fields = appendFields(fields, f.Filter)
	default:
		if field, ok := fieldOf(f); ok {
			fields = append(fields, field)
		}
	}
	return fields
}

// fieldOf returns the field that a condition asks about.
func fieldOf(f index.Filter) (Field, bool) {
	switch f := f.(type) {
	case index.Equal:
		return Field{f.Key, Values}, true
	case index.In:
		return Field{f.Key, Values}, true
	case index.Range:
		return Field{f.Key, Values}, true
	case index.Exists:
		return Field{f.Key, Values}, true
	case index.Text:
		return Field{f.Key, Words}, true
	}
	return Field{}, false
}
