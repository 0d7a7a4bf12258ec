package index

import (
	"context"
	"fmt"
	"iter"

	"engram/data/space"
)

// ID names an item for its whole life. It is never a row position: deleting
// or compacting items leaves the ids of the others alone.
type ID uint64

// Payload is what is stored beside a vector: a path, a caption, categories.
// Values are string, bool, int64, float64, []string or nil; a store refuses
// others. An int64 stays an int64 through storage.
type Payload map[string]any

// Item is one stored vector.
type Item struct {
	ID      ID
	Vector  []float32 // Info.Dim elements, unit length
	Payload Payload
	// Tokens are as Info.Tokens says, encoded (see TokenFormat). Upsert takes them;
	// Get and All leave them out, for they are large (see TokenStore).
	Tokens []byte
}

// Hit is one result of a search.
type Hit struct {
	ID      ID
	Score   float32 // cosine similarity of the query and the item, in [-1, 1]
	Payload Payload // nil unless Query.WithPayload
}

// Query asks for the K items nearest to Vector by cosine similarity. The
// store normalises its own copy of Vector; the caller keeps the slice.
type Query struct {
	Vector      []float32
	K           int
	Filter      Filter // nil: every item
	WithPayload bool

	// Exact asks for what comparing the query with every item gives, where a store
	// would otherwise take a short cut.
	Exact bool
	// Recall is the share of the exact hits that a search is to find on average,
	// in (0, 1]; 0 leaves it to the store. A store that searches exactly finds all
	// of them, whatever Recall is. One that searches a graph looks at more of it
	// for a higher Recall; how many it really finds depends on the data.
	Recall float64

	// Explain is set to how the search found its hits, where it is not nil. Queries do not
	// share one.
	Explain *Explanation

	// Into is memory that a store may use for the answer, from its beginning and whatever is
	// there, so that a search allocates nothing. Queries do not share it. A store allocates
	// where it has no room.
	Into []Hit
}

// Check refuses a query that asks for something impossible (ErrQuery) or whose
// filter has no meaning (ErrFilter). The store checks the vector.
func (q Query) Check() error {
	switch {
	case q.K < 1:
		return fmt.Errorf("a search for %d items: %w", q.K, ErrQuery)
	case !(q.Recall >= 0 && q.Recall <= 1): // or NaN
		return fmt.Errorf("a search with a recall of %v, wanted a number above 0 and up to 1: %w", q.Recall, ErrQuery)
	case q.Exact && q.Recall != 0:
		return fmt.Errorf("a search that is exact and has a recall of %v, wanted one of the two: %w", q.Recall, ErrQuery)
	case q.Filter != nil:
		return q.Filter.Check()
	}
	return nil
}

// Info describes a store.
type Info struct {
	Engine string // "local" or "qdrant"
	Dim    int    // elements of a vector
	Count  int    // live items
	// Space is the embedding space of the vectors, the zero Space where nobody
	// said which model made them. The caller refuses a query of another space,
	// and one by a model where none is recorded (see CheckSpace).
	Space space.Space
	// Tokens describes the tokens that the store keeps of each item (see TokenStore).
	Tokens TokenFormat
	// Background counts the work that the engine did beside the calls since the
	// store was opened; an engine on a server counts none.
	Background Background
	// Damage says with file and offset what of the store is damaged, a line each, "" where
	// nothing is. The items there are not found, and the store refuses writes until it is
	// repaired.
	Damage string
}

// Background counts pieces of work, such as writing rows from memory to disk or building
// a graph, that an engine does while nobody waits for it.
type Background struct {
	Begun, Finished int
	// Failed counts the pieces that ended with an error. The next write after rows
	// could not be written returns that error and applies nothing, unless a Flush has
	// mended it before. Items whose graph could not be built are compared one by one.
	Failed int
}

// Store keeps items and finds the nearest ones. Every method may be called
// concurrently. Engines differ in where the items live, not in what a method
// means; indextest.Contract states the meaning as tests.
type Store interface {
	// Info describes the store as it is now.
	Info(ctx context.Context) (Info, error)

	// Upsert adds items, replacing those whose id is already there; of items
	// with the same id in one call the last one counts. The call applies all
	// items or none: a vector of the wrong dimension (ErrDimension), with a NaN
	// or infinite element or of length zero (ErrVector), or a payload value of
	// another type (ErrPayload) refuses the whole call. Vectors are normalised
	// in the store's own copy. The items are visible to searches that start
	// after Upsert returns, and durable after the next Flush.
	Upsert(ctx context.Context, items []Item) error

	// Delete removes the items with these ids and returns how many were
	// there. Visible and durable as for Upsert.
	Delete(ctx context.Context, ids []ID) (int, error)

	// Get returns the items with these ids, in the order asked for; ids that
	// are not there are left out.
	Get(ctx context.Context, ids []ID) ([]Item, error)

	// Search returns min(K, items that the filter chooses) hits, best first; equal
	// scores are ordered by ascending id. Scores are exact to float32 rounding.
	// Unless Query.Exact, a hit may be missing whose place another item takes (see
	// Query.Recall). It refuses a query whose Check fails (ErrQuery, ErrFilter) and
	// a vector that Upsert would refuse.
	Search(ctx context.Context, q Query) ([]Hit, error)

	// All yields every live item once, in ascending order of id, as of the
	// moment when the iteration starts. It stops at the first error, which it
	// yields. The loop may write to the store, but must not close it.
	All(ctx context.Context) iter.Seq2[Item, error]

	// Labels returns what is recorded about the store as a whole, by name, such as
	// what its items were made from. The caller owns the map.
	Labels(ctx context.Context) (map[string]string, error)

	// SetLabel records a label in place of the one of that name; the value ""
	// removes it. The label is durable when SetLabel returns, whether or not items
	// were flushed. A label that CheckLabel refuses changes nothing (ErrLabel).
	SetLabel(ctx context.Context, name, value string) error

	// Flush makes all that was applied durable.
	Flush(ctx context.Context) error

	// Close flushes, releases the store and waits for running calls. Later
	// calls return ErrClosed; a second Close returns nil.
	Close() error
}
