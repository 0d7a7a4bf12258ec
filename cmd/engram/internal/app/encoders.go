package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/pixels"
	"engram/index/ingest"
)

// pictureEncoder is an ImageEncoder as package ingest needs it.
type pictureEncoder struct{ encoder *ImageEncoder }

// imageInput is a decoded image on its way to the model.
type imageInput struct{ *pixels.Image }

// Size implements ingest.Input.
func (in imageInput) Size() int { return len(in.Pix) }

// Incomplete implements ingest.Input.
func (in imageInput) Incomplete() bool { return in.Image.Incomplete }

func (e pictureEncoder) Decode(ctx context.Context, file io.Reader) (ingest.Input, error) {
	img, err := pixels.Decode(ctx, file, e.encoder.limits)
	return imageInput{img}, err
}

func (e pictureEncoder) Encode(ctx context.Context, inputs []ingest.Input) ([][]float32, error) {
	images := make([]*pixels.Image, len(inputs))
	for i, in := range inputs {
		images[i] = in.(imageInput).Image
	}
	vectors, err := e.encoder.Encode(ctx, images)
	return asRows(vectors, err)
}

// EncodeTokens implements ingest.TokenEncoder.
func (e pictureEncoder) EncodeTokens(ctx context.Context, inputs []ingest.Input) (vectors, tokens [][]float32, err error) {
	images := make([]*pixels.Image, len(inputs))
	for i, in := range inputs {
		images[i] = in.(imageInput).Image
	}
	all, err := e.encoder.EncodeTokens(ctx, images)
	globals := make([]embed.Vector, len(all))
	for i, t := range all {
		globals[i], tokens = t.Global(), append(tokens, t.Data)
	}
	vectors, err = asRows(globals, err)
	return vectors, tokens, err
}

// captionEncoder is a TextEncoder as package ingest needs it.
type captionEncoder struct{ encoder *TextEncoder }

// textInput is a caption on its way to the model.
type textInput string

// Size implements ingest.Input.
func (in textInput) Size() int { return len(in) }

// Incomplete implements ingest.Input.
func (textInput) Incomplete() bool { return false }

func (captionEncoder) Decode(_ context.Context, text io.Reader) (ingest.Input, error) {
	b, err := io.ReadAll(text)
	return textInput(b), err
}

func (e captionEncoder) Encode(ctx context.Context, inputs []ingest.Input) ([][]float32, error) {
	texts := make([]string, len(inputs))
	for i, in := range inputs {
		texts[i] = string(in.(textInput))
	}
	vectors, err := e.encoder.Encode(ctx, texts)
	return asRows(vectors, err)
}

// asRows returns what a model gives as package ingest takes it.
func asRows(vectors []embed.Vector, err error) ([][]float32, error) {
	if errors.Is(err, embed.ErrZero) || errors.Is(err, embed.ErrNotFinite) || errors.Is(err, clip.ErrNoWord) {
		return nil, fmt.Errorf("%w: %w", err, ingest.ErrImage)
	}
	rows := make([][]float32, len(vectors))
	for i, v := range vectors {
		rows[i] = v
	}
	return rows, err
}

// bulk returns how a model runs that encodes many images, for which throughput counts
// and not how long one of them takes. batch is how many are in one run, 0 for what
// suits the device. On the CPU each processor has a run of its own, without other
// threads: nothing waits at the end of an operator, and a few images stay in the
// processor's cache from one layer to the next (NOTES.md has the measurements).
func (a *App) bulk(batch int) clip.Options {
	opts := clip.Options{Device: a.opts.Device, Batch: batch}
	if a.opts.Device != "cpu" {
		return opts
	}
	const cpuBatch, mostRuns = 4, 16 // more runs at once take memory for their layers
	opts.Batch = cmp.Or(batch, cpuBatch)
	processors := runtime.GOMAXPROCS(0)
	opts.Concurrency = min(processors, mostRuns)
	opts.Threads = processors - opts.Concurrency + 1
	return opts
}
