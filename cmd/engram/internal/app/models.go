package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed/bundle"
	"engram/embed/clip"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// Model is an open image encoder with the library that runs it.
type Model struct {
	*clip.Encoder
	runtime *ort.Runtime
	limits  pixels.Limits
}

// OpenModel opens the image encoder of a bundle.
func (a *App) OpenModel(ctx context.Context, b *bundle.Bundle, watch progress.Func) (*Model, error) {
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := clip.Open(rt, b, clip.Options{Device: a.opts.Device})
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	a.opts.Logger.Debug("model", "bundle", Label(b), "fingerprint", b.Fingerprint(), "device", encoder.Device())
	return &Model{Encoder: encoder, runtime: rt, limits: a.limits}, nil
}

// Embed returns the unit vector of an image file: JPEG, PNG or another format
// of package pixels. Where the memory for decoding is taken by other images for
// ten seconds, it fails with pixels.ErrBusy.
func (m *Model) Embed(ctx context.Context, file io.Reader) ([]float32, error) {
	const patience = 10 * time.Second
	limits := m.limits
	limits.Patience = patience
	var vector []float32
	err := pixels.Use(ctx, file, limits, func(img *pixels.Image) error {
		vectors, err := m.Encode(ctx, []*pixels.Image{img})
		if err == nil {
			vector = vectors[0]
		}
		return err
	})
	return vector, err
}

// Space returns the space of the model's vectors.
func (m *Model) Space() space.Space { return SpaceOf(m.Bundle()) }

// Runtime returns the library, which is open as long as the model is.
func (m *Model) Runtime() *ort.Runtime { return m.runtime }

// Close frees the encoder and the library.
func (m *Model) Close() error { return errors.Join(m.Encoder.Close(), m.runtime.Close()) }

// Label is a bundle's name and version, for messages.
func Label(b *bundle.Bundle) string { return b.Name + " " + b.Version }

// SpaceOf returns the space that a bundle's model embeds into.
func SpaceOf(b *bundle.Bundle) space.Space {
	return space.Space{Name: Label(b), Fingerprint: b.Fingerprint()}
}

// CheckReplaceable refuses to write a bundle into a folder that has anything in
// it but a bundle of one of these kinds, which will be replaced.
func CheckReplaceable(dir string, kinds ...bundle.Kind) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := bundle.Open(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not empty and holds no bundle, choose another --out", dir)
	case err != nil:
		return err
	case !slices.Contains(kinds, b.Kind):
		return fmt.Errorf("%s holds the bundle %s of kind %s, choose another --out", dir, Label(b), b.Kind)
	}
	return nil
}
