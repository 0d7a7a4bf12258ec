package ingest

import (
	"context"
	"errors"
	"io"
)

// ErrImage marks an error of Encoder.Encode that one of the inputs caused. The
// job then encodes the batch one by one and passes over the bad one; any other
// error ends it.
var ErrImage = errors.New("unusable input")

// Encoder turns image files into vectors. Its methods are called concurrently.
type Encoder interface {
	// Decode reads one image file. Its error is about the file, or is the context's.
	Decode(ctx context.Context, file io.Reader) (Input, error)
	// Encode returns the vector of each input, of the store's dimension. All
	// inputs are ones that Decode has returned.
	Encode(ctx context.Context, inputs []Input) ([][]float32, error)
}

// TokenEncoder is an Encoder that gives tokens beside vectors, for a store that
// keeps them.
type TokenEncoder interface {
	Encoder
	// EncodeTokens returns the vector of each input, and its tokens, of as many
	// elements as the store's format has.
	EncodeTokens(ctx context.Context, inputs []Input) (vectors, tokens [][]float32, err error)
}

// Input is a decoded file on its way to the encoder's model. Nobody but the
// encoder looks inside.
type Input interface {
	// Size returns how many bytes of memory the input takes.
	Size() int
	// Incomplete reports whether the file ended early or was damaged, and is used as
	// far as it goes.
	Incomplete() bool
}
