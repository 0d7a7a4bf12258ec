package index

import (
	"context"
	"slices"
)

// PayloadKind says what the values under a key of payloads are that filters ask for.
type PayloadKind string

// The kinds of payload indexes. The embedded engine makes the same index for all but
// Words; a server wants to know more.
const (
	Keyword PayloadKind = "keyword" // strings and lists of strings, for Equal and In
	Integer PayloadKind = "integer" // int64s, for Equal and In
	Number  PayloadKind = "number"  // int64s and float64s, for Range
	Bool    PayloadKind = "bool"    // bools, for Equal
	Words   PayloadKind = "words"   // strings and lists of strings, for Text
)

// PayloadKinds returns the kinds in alphabetical order.
func PayloadKinds() []PayloadKind { return []PayloadKind{Bool, Integer, Keyword, Number, Words} }

// Known reports whether k is one of the kinds.
func (k PayloadKind) Known() bool { return slices.Contains(PayloadKinds(), k) }

// PayloadIndexer is a Store that indexes keys of payloads, which makes filters on them
// fast and changes no answer.
type PayloadIndexer interface {
	Store

	// IndexPayload makes indexes of keys of the items that there are and of all that
	// come. It flushes. A key without a name or a kind that is not Known refuses the
	// call (ErrPayload).
	IndexPayload(ctx context.Context, keys map[string]PayloadKind) error
}

// PayloadIndexed is a Store that says which keys of payloads it has indexes of.
type PayloadIndexed interface {
	Store

	// PayloadIndexes describes the indexes in ascending order of their keys.
	PayloadIndexes(ctx context.Context) ([]PayloadIndex, error)
}

// PayloadIndex describes an index of a payload key.
type PayloadIndex struct {
	Key   string `json:"key"`
	Kind  string `json:"kind"`  // values or words; of a server a PayloadKind or its own word
	Items int    `json:"items"` // live ones that it is of; filters read the payloads of the others
	Bytes int64  `json:"bytes"` // in files; 0: a server does not say
}
