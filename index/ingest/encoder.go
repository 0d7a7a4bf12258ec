package ingest

import (
	"context"
	"errors"
	"io"
)

// ErrImage marks an error of Encoder.Encode that one of the images caused. The
// job then encodes the batch one by one and passes over the bad one; any other
// error ends it.
var ErrImage = errors.New("unusable image")

// Encoder turns image files into vectors. Its methods are called concurrently.
type Encoder[I any] interface {
	// Decode reads one image file. Its error is about the file.
	Decode(file io.Reader) (I, error)
	// Size returns how many bytes of memory a decoded image takes.
	Size(image I) int
	// Encode returns the vector of each image, of the store's dimension.
	Encode(ctx context.Context, images []I) ([][]float32, error)
}
