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

	"engram/cmd/engram/internal/batch"
	"engram/data/progress"
	"engram/data/space"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// ImageEncoder is an open image encoder with the library that runs it.
type ImageEncoder struct {
	*clip.Encoder
	runtime *ort.Runtime
	limits  pixels.Limits
	queue   *batch.Batcher[*pixels.Image, embed.Vector] // nil: each image has a run of its own
}

// OpenImageEncoder opens the image encoder of a model, to encode one image or a few at
// a time.
func (a *App) OpenImageEncoder(ctx context.Context, m *model.Model, watch progress.Func) (*ImageEncoder, error) {
	return a.openImageEncoder(ctx, m, clip.Options{Device: a.opts.Device}, watch)
}

// openImageEncoder opens the image encoder of a model to run as the options say.
func (a *App) openImageEncoder(ctx context.Context, m *model.Model, opts clip.Options, watch progress.Func) (*ImageEncoder, error) {
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := clip.Open(rt, m, opts)
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	if err := a.checkCanary(ctx, rt, encoder); err != nil {
		return nil, errors.Join(err, encoder.Close(), rt.Close())
	}
	a.opts.Logger.Debug("model", "model", Label(m), "fingerprint", m.Fingerprint(), "device", encoder.Device())
	return &ImageEncoder{Encoder: encoder, runtime: rt, limits: a.limits}, nil
}

// Embed returns the unit vector of an image file: JPEG, PNG or another format
// of package pixels. Where the memory for decoding is taken by other images for
// ten seconds, it fails with pixels.ErrBusy.
func (m *ImageEncoder) Embed(ctx context.Context, file io.Reader) ([]float32, error) {
	const patience = 10 * time.Second
	limits := m.limits
	limits.Patience = patience
	var vector []float32
	err := pixels.Use(ctx, file, limits, func(img *pixels.Image) error {
		var err error
		vector, err = m.one(ctx, img)
		return err
	})
	return vector, err
}

// Space returns the space of the model's vectors.
func (m *ImageEncoder) Space() space.Space { return SpaceOf(m.Model()) }

// Runtime returns the library, which is open as long as the model is.
func (m *ImageEncoder) Runtime() *ort.Runtime { return m.runtime }

// Close frees the encoder and the library.
func (m *ImageEncoder) Close() error {
	return errors.Join(m.queue.Close(), m.Encoder.Close(), m.runtime.Close())
}

// Label is a model's name and version, for messages.
func Label(m *model.Model) string { return m.Name + " " + m.Version }

// SpaceOf returns the space that a model embeds into.
func SpaceOf(m *model.Model) space.Space {
	return space.Space{Name: Label(m), Fingerprint: m.Fingerprint()}
}

// CheckReplaceable refuses to write a model into a folder that has anything in
// it but a model of one of these kinds, which will be replaced.
func CheckReplaceable(dir string, kinds ...model.Kind) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := model.Open(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not empty and holds no model, choose another --out", dir)
	case err != nil:
		return err
	case !slices.Contains(kinds, m.Kind):
		return fmt.Errorf("%s holds the model %s of kind %s, choose another --out", dir, Label(m), m.Kind)
	}
	return nil
}
