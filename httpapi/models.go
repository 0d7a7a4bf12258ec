package httpapi

import (
	"context"

	"engram/data/space"
)

// Encoder embeds images into a space.
type Encoder struct {
	Space space.Space
	// Encode returns the embedding of one encoded image (JPEG, PNG, …) as a
	// unit vector. Where the bytes are at fault it returns an error of
	// embed/pixels (ErrFormat, ErrCorrupt, ErrTooLarge), wrapped, whose text
	// the visitor reads; other errors are the server's. It is safe for concurrent
	// use, bounds its own concurrency and does not keep image.
	Encode func(ctx context.Context, image []byte) ([]float32, error)
}

// TextEncoder embeds texts into a space.
type TextEncoder struct {
	Space space.Space
	// Encode returns the embedding of a text, which embed.CheckText has passed, as a
	// unit vector, and whether the text was longer than the model reads. A text that
	// means nothing to the model is an embed.ErrText, whose message the visitor reads;
	// other errors are the server's. It is safe for concurrent use and bounds its own
	// concurrency.
	Encode func(ctx context.Context, text string) (vector []float32, cut bool, err error)
}

// Decoder maps brain scans into a space.
type Decoder struct {
	Name   string // what it is, such as "linear, subject 1"
	Data   string // the data that it was trained on, for people
	Voxels int    // elements of one scan
	Space  space.Space
	// Decode returns the unit vector predicted from the repeats of one scan:
	// one or more rows of Voxels finite betas, all recorded while the same image
	// was seen. How rows are normalised and averaged is the decoder's business.
	// It is safe for concurrent use, bounds its own concurrency, and neither
	// changes nor keeps the rows.
	Decode func(ctx context.Context, repeats [][]float32) ([]float32, error)
}
