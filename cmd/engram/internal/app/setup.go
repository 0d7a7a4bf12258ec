package app

import (
	"context"
	"fmt"

	"engram/data/progress"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// SetupSpec says how far a setup goes.
type SetupSpec struct {
	FetchOnly bool // run no model, on machines that only prepare others
}

// Installation says what a setup found.
type Installation struct {
	Library string `json:"library"`
	Version string `json:"version"`
	How     string `json:"how"`    // found or fetched
	Device  string `json:"device"` // where the model ran, "" where none did
	Cache   string `json:"cache"`
}

// Setup finds or fetches ONNX Runtime and, unless it is only fetched, runs the
// built-in model on it.
func (a *App) Setup(ctx context.Context, spec SetupSpec, watch progress.Func) (_ *Installation, err error) {
	found := &Installation{How: "found"}
	opts := a.opts.Library
	opts.Offline = true
	rt, err := ort.Load(ctx, opts)
	if err != nil && !a.opts.Library.Offline && opts.Path == "" {
		found.How = "fetched now"
		rt, err = a.Runtime(ctx, watch)
	}
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	found.Library, found.Version = rt.Path(), rt.Version()
	if found.Cache, err = a.CacheDir(); err != nil || spec.FetchOnly {
		return found, err
	}
	if found.Device, err = a.runPixels(ctx, watch); err != nil {
		return nil, fmt.Errorf("onnxruntime %s at %s does not run: %w", rt.Version(), rt.Path(), err)
	}
	return found, nil
}

// runPixels runs the built-in model and returns the device that it ran on.
func (a *App) runPixels(ctx context.Context, watch progress.Func) (device string, err error) {
	b, err := a.OpenModel(ctx, Pixels, watch)
	if err != nil {
		return "", err
	}
	m, err := a.OpenImageEncoder(ctx, b, watch)
	if err != nil {
		return "", err
	}
	defer closeInto(&err, m)
	_, err = m.Encode(ctx, []*pixels.Image{{W: 1, H: 1, Pix: make([]byte, 3)}})
	return m.Device(), err
}
