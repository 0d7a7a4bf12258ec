package index

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Filter chooses items by their payloads. It is one of And, Or, Not, Equal, In,
// Range, Exists and Text, and means the same in every engine. A condition on a
// key whose value is a list holds where it holds for an element of the list; on
// a key that is missing or nil, no condition holds.
type Filter interface {
	// Match reports whether the filter chooses an item with this payload.
	Match(p Payload) bool
	// Check returns what makes the filter unusable (ErrFilter), or nil.
	Check() error
}

// And chooses what all of its filters choose; none of them: everything.
type And []Filter

// Or chooses what one of its filters chooses; none of them: nothing.
type Or []Filter

// Not chooses what its filter does not choose, items without the key among them.
type Not struct{ Filter Filter }

// Equal chooses items whose value under Key is Value: a string, a bool or an
// int64, of the same type as in the payload. Floating-point numbers are compared
// by Range.
type Equal struct {
	Key   string
	Value any
}

// In chooses items whose value under Key is one of Values, which are strings or
// int64s, all of one type.
type In struct {
	Key    string
	Values []any
}

// Range chooses items whose value under Key is a number, int64 or float64,
// within bounds; a nil bound is none. Bounds are finite, and one at least is
// there. Numbers are compared as float64.
type Range struct {
	Key         string
	Above, From *float64 // lower bounds, Above without the bound itself
	Below, To   *float64 // upper bounds, Below without the bound itself
}

// Exists chooses items that have a value under Key: one that is not nil and not
// an empty list.
type Exists struct{ Key string }

// Text chooses items whose text under Key holds every word of Words, whatever
// the case and the order. Words are runs of letters and digits; there is one at
// least.
type Text struct{ Key, Words string }

// Match implements Filter.
func (f And) Match(p Payload) bool {
	for _, part := range f {
		if !part.Match(p) {
			return false
		}
	}
	return true
}

// Match implements Filter.
func (f Or) Match(p Payload) bool {
	for _, part := range f {
		if part.Match(p) {
			return true
		}
	}
	return false
}

// Match implements Filter.
func (f Not) Match(p Payload) bool { return !f.Filter.Match(p) }

// Match implements Filter.
func (f Equal) Match(p Payload) bool {
	if list, ok := p[f.Key].([]string); ok {
		text, ok := f.Value.(string)
		return ok && slices.Contains(list, text)
	}
	value, there := p[f.Key]
	return there && value != nil && value == f.Value
}

// Match implements Filter.
func (f In) Match(p Payload) bool {
	for _, value := range f.Values {
		if (Equal{f.Key, value}).Match(p) {
			return true
		}
	}
	return false
}

// Match implements Filter.
func (f Range) Match(p Payload) bool {
	var x float64
	switch value := p[f.Key].(type) {
	case int64:
		x = float64(value)
	case float64:
		x = value
	default:
		return false
	}
	return (f.Above == nil || x > *f.Above) && (f.From == nil || x >= *f.From) &&
		(f.Below == nil || x < *f.Below) && (f.To == nil || x <= *f.To)
}

// Match implements Filter.
func (f Exists) Match(p Payload) bool {
	if list, ok := p[f.Key].([]string); ok {
		return len(list) > 0
	}
	return p[f.Key] != nil
}

// Match implements Filter.
func (f Text) Match(p Payload) bool {
	var texts []string
	switch value := p[f.Key].(type) {
	case string:
		texts = []string{value}
	case []string:
		texts = value
	}
	wanted := words(f.Words)
	return slices.ContainsFunc(texts, func(text string) bool {
		have := words(text)
		return !slices.ContainsFunc(wanted, func(word string) bool { return !slices.Contains(have, word) })
	})
}

// words returns the words of a text in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// Check implements Filter.
func (f And) Check() error { return checkAll("and", f) }

// Check implements Filter.
func (f Or) Check() error { return checkAll("or", f) }

func checkAll(name string, filters []Filter) error {
	for i, part := range filters {
		if part == nil {
			return fmt.Errorf("part %d of %q is missing: %w", i+1, name, ErrFilter)
		}
		if err := part.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Check implements Filter.
func (f Not) Check() error {
	if f.Filter == nil {
		return fmt.Errorf(`"not" has nothing to negate: %w`, ErrFilter)
	}
	return f.Filter.Check()
}

// Check implements Filter.
func (f Equal) Check() error {
	switch f.Value.(type) {
	case string, bool, int64:
		return checkKey(f.Key)
	}
	return fmt.Errorf("%q is compared with a %T, wanted a string, bool or int64; numbers with a fraction are compared by a range: %w", f.Key, f.Value, ErrFilter)
}

// Check implements Filter.
func (f In) Check() error {
	var texts, numbers int
	for _, value := range f.Values {
		switch value.(type) {
		case string:
			texts++
		case int64:
			numbers++
		}
	}
	if n := len(f.Values); n == 0 || texts != n && numbers != n {
		return fmt.Errorf("%q is looked for in %v, wanted a list of strings or one of int64s: %w", f.Key, f.Values, ErrFilter)
	}
	return checkKey(f.Key)
}

// Check implements Filter.
func (f Range) Check() error {
	bounds := 0
	for _, bound := range []*float64{f.Above, f.From, f.Below, f.To} {
		if bound == nil {
			continue
		}
		if bounds++; math.IsNaN(*bound) || math.IsInf(*bound, 0) {
			return fmt.Errorf("%q has the bound %v, wanted a finite one: %w", f.Key, *bound, ErrFilter)
		}
	}
	if bounds == 0 {
		return fmt.Errorf("the range of %q has no bound: %w", f.Key, ErrFilter)
	}
	return checkKey(f.Key)
}

// Check implements Filter.
func (f Exists) Check() error { return checkKey(f.Key) }

// Check implements Filter.
func (f Text) Check() error {
	if len(words(f.Words)) == 0 {
		return fmt.Errorf("the text looked for in %q is %q, wanted a word at least: %w", f.Key, f.Words, ErrFilter)
	}
	return checkKey(f.Key)
}

func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("a condition names no key of the payload: %w", ErrFilter)
	}
	return nil
}
