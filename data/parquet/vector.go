package parquet

import (
	"errors"

	format "github.com/parquet-go/parquet-go"
)

// ErrVector: a row has no vector, one of another length, or one with a null.
var ErrVector = errors.New("unusable vector")

// vectorColumn is a column that may hold embeddings.
type vectorColumn struct {
	name string
	place
	size  int // bytes of an element: 2, 4 or 8
	bytes int // of a vector in one value of fixed size; -1 for any size; 0 for a list
}

func vectorOf(kind format.Kind, length int, logical any, at place) *vectorColumn { return nil }
