package index

import (
	"errors"
	"fmt"

	"engram/data/space"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrDimension: a vector has another number of elements than the store.
	ErrDimension = errors.New("wrong dimension")
	// ErrVector: a vector is zero or has a NaN or infinite element.
	ErrVector = errors.New("unusable vector")
	// ErrPayload: a payload holds a value of a type that stores do not keep, or a
	// text that this one does not.
	ErrPayload = errors.New("unusable payload")
	// ErrTokens: an item has no tokens, or others than the store keeps.
	ErrTokens = errors.New("unusable tokens")
	// ErrLabel: a label has no name, is no UTF-8 or is too long.
	ErrLabel = errors.New("unusable label")
	// ErrQuery: a query asks for something impossible, such as K < 1.
	ErrQuery = errors.New("unusable query")
	// ErrFilter: a filter has no meaning, such as a range without bounds.
	ErrFilter = errors.New("unusable filter")
	// ErrModel: vectors of one model met an index of another.
	ErrModel = errors.New("another model")
	// ErrCorrupt: a file of the index is damaged.
	ErrCorrupt = errors.New("corrupt index")
	// ErrNotFound: there is no index at the place named.
	ErrNotFound = errors.New("no such index")
	// ErrLocked: another process has the index open for writing.
	ErrLocked = errors.New("index in use")
	// ErrReadOnly: a write to an index that was opened for reading.
	ErrReadOnly = errors.New("index open for reading only")
	// ErrUnavailable: the server that has the index does not answer, or is too
	// busy to.
	ErrUnavailable = errors.New("index unavailable")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("index closed")
)

// Refused reports whether an error of Upsert is about one of the items, its
// vector, payload or tokens, and would come again with it and not without it.
func Refused(err error) bool {
	return errors.Is(err, ErrVector) || errors.Is(err, ErrPayload) || errors.Is(err, ErrTokens)
}

// CheckSpace refuses to compare vectors of different models: it returns ErrModel
// where asking, the space of a query, is another than the store's, and where the
// store does not record its space, so that nobody can tell.
func (i Info) CheckSpace(asking space.Space) error {
	if !i.Space.Known() {
		return fmt.Errorf("the index does not record which model made its vectors, the query is of %s: %w", asking, ErrModel)
	}
	if i.Space.Same(asking) {
		return nil
	}
	return fmt.Errorf("the index was made with model %s, the query with %s: %w", i.Space, asking, ErrModel)
}
