package source

import (
	"context"
	"io"
	"iter"

	"engram/data/pattern"
	"engram/index"
)

// Source is where rows come from: files that are read shard by shard.
type Source interface {
	// Origin says where the rows come from, so that the source can be opened
	// again. It names no model.
	Origin() Origin
	// Shards lists the shards there are, in the order in which they are read.
	// It looks at names, sizes and times, and opens as little as it can.
	Shards(ctx context.Context) ([]Shard, error)
}

// Shard is a part of a source that is read from its first row to its last: a
// folder of images, a tar, a file of embeddings.
type Shard struct {
	// Name is a path with slashes, unique in the source and the same in every
	// run, wherever the source lies.
	Name string
	// Fingerprint changes when a file of the shard changes. The same fingerprint
	// means the same rows with the same numbers.
	Fingerprint string
	Rows        int   // -1 where only reading tells
	Bytes       int64 // of its files
	Dim         int   // of vectors; 0 where the rows are images, -1 where none can be read
	// Read yields the rows from row number from on, some at a time. The slice and
	// the vectors in it are good until more is asked for. An error, which comes
	// without rows, is the last thing that it yields: the shard cannot be read
	// any further.
	Read func(ctx context.Context, from int) iter.Seq2[[]Row, error]
}

// Row is one thing to index: an image, or a vector that was made before.
type Row struct {
	ID      index.ID
	Name    string // for messages, unique in the source
	Payload index.Payload
	// Vector is the embedding, and Norm its Euclidean length. Where it is nil,
	// Open opens the image.
	Vector []float32
	Norm   float64
	Open   func() (io.ReadCloser, error)
	// Err says why the row is of no use; then it has neither vector nor image.
	Err error
}

// How many rows a shard yields at a time.
const (
	imagesAtOnce  = 64      // ids that a store is asked for by one call
	bytesAtOnce   = 8 << 20 // of images that are held in memory
	vectorsAtOnce = 1024    // vectors stored by one call; they stay in a cache meanwhile
)

// byName orders shards by name as people count: 9.tar before 10.tar.
func byName(a, b Shard) int { return pattern.Compare(a.Name, b.Name) }
