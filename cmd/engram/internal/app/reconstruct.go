package app

import (
	"cmp"
	"context"
	"errors"

	"engram/data/progress"
	"engram/embed"
	"engram/recon"
)

// ReconstructSpec has the tokens to make pictures of, and the models.
// Of the options, Progress is the App's own.
type ReconstructSpec struct {
	// Tokens are of one scan each, with the lengths that tokens of images have (see
	// recon.RestoreLengths).
	Tokens []embed.Tokens
	// Model is the CLIP into whose space the tokens belong, "" for ScenesCLIP;
	// Autoencoder and Denoiser are ScenesAutoencoder and ScenesDenoiser where "".
	Model, Autoencoder, Denoiser string
	recon.Options
}

// Reconstruct makes pictures of what may have been seen, several of each scan,
// and chooses the best by the CLIP.
func (a *App) Reconstruct(ctx context.Context, spec ReconstructSpec, watch progress.Func) (_ []recon.Reconstruction, err error) {
	if len(spec.Tokens) == 0 {
		return nil, errors.New("wanted tokens of one scan or more, found none")
	}
	clip, err := a.OpenModel(ctx, cmp.Or(spec.Model, ScenesCLIP), watch)
	if err != nil {
		return nil, err
	}
	autoencoder, err := a.OpenModel(ctx, cmp.Or(spec.Autoencoder, ScenesAutoencoder), watch)
	if err != nil {
		return nil, err
	}
	denoiser, err := a.OpenModel(ctx, cmp.Or(spec.Denoiser, ScenesDenoiser), watch)
	if err != nil {
		return nil, err
	}
	m, err := a.OpenImageEncoder(ctx, clip, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	r, err := recon.Open(m.runtime, autoencoder, denoiser, a.Session())
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, r)
	opts := spec.Options
	opts.Progress = watch
	return r.Reconstruct(ctx, spec.Tokens, m, opts)
}
