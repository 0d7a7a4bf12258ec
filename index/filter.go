package index

import "slices"

// Filter chooses items by their payloads. It is one of And, Or, Not, Equal, In,
// Range, Exists and Text, and means the same in every engine. A condition on a
// key whose value is a list holds where it holds for an element of the list
// (Text reads a list as one text); on a key that is missing or nil, no
// condition holds. ParseFilter reads a filter from JSON.
type Filter interface {
	// Match reports whether the filter chooses an item with this payload. The
	// filter passes Check.
	Match(p Payload) bool
	// Check returns what makes the filter unusable (ErrFilter), or nil.
	Check() error
	// appendKeys appends the keys that Match looks up.
	appendKeys(keys []string) []string
}

// And chooses what all of its filters choose; none of them: everything.
type And []Filter

// Or chooses what one of its filters chooses; none of them: nothing.
type Or []Filter

// Not chooses what its filter does not choose, items without the key among them.
type Not struct{ Filter Filter }

// Equal chooses items whose value under Key is Value: a string, a bool, an int64 or
// a finite float64. Numbers are compared by value: the int64 640 equals the float64
// 640, which many writers of tables make of it.
type Equal struct {
	Key   string
	Value any
}

// In chooses items whose value under Key is one of Values, which are all strings or
// all numbers, compared as by Equal; there is one at least.
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
// an empty list. An empty string is a value.
type Exists struct{ Key string }

// Text chooses items whose text under Key holds every word of Words, in any
// order and number; the words may be spread over the elements of a list. A word
// is a run of characters that are alphabetic or numeric by Unicode's
// properties, and is compared in lower case. So "naïve" is a word and "naive"
// another. Scripts without spaces between words (Chinese, Japanese, Thai, Lao,
// Khmer, Burmese) have no words of that kind: a word of Words with a character of
// theirs is found anywhere in a run. Words has one at least.
type Text struct{ Key, Words string }

// UnsafeFrom is the probability of being unsafe, LAION's punsafe, from which
// Safe leaves an item out.
const UnsafeFrom = 0.5

// Safe chooses the items that nothing marks as unsafe to show, by the columns
// that LAION's metadata have: NSFW is neither "NSFW" nor "UNSURE", in any case,
// and punsafe is below UnsafeFrom. Items without these keys are chosen.
func Safe() Filter {
	from := UnsafeFrom
	return Not{Or{
		Text{Key: KeyNSFW, Words: "nsfw"},
		Text{Key: KeyNSFW, Words: "unsure"},
		Range{Key: KeyUnsafe, From: &from},
	}}
}

// Keys returns the keys of a payload that a filter looks up, in ascending
// order, each once. What a payload holds under other keys does not matter to
// Match.
func Keys(f Filter) []string {
	keys := f.appendKeys(nil)
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (f And) appendKeys(keys []string) []string { return appendAll(keys, f) }
func (f Or) appendKeys(keys []string) []string  { return appendAll(keys, f) }

func appendAll(keys []string, filters []Filter) []string {
	for _, part := range filters {
		keys = part.appendKeys(keys)
	}
	return keys
}

func (f Not) appendKeys(keys []string) []string    { return f.Filter.appendKeys(keys) }
func (f Equal) appendKeys(keys []string) []string  { return append(keys, f.Key) }
func (f In) appendKeys(keys []string) []string     { return append(keys, f.Key) }
func (f Range) appendKeys(keys []string) []string  { return append(keys, f.Key) }
func (f Exists) appendKeys(keys []string) []string { return append(keys, f.Key) }
func (f Text) appendKeys(keys []string) []string   { return append(keys, f.Key) }
