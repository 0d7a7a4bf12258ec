package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/model"
	"engram/recon"
)

// ReconstructSpec has the tokens to make pictures of, and the models.
// Of the options, Progress is the App's own.
type ReconstructSpec struct {
	// Tokens are of one scan each, as images have them.
	Tokens []embed.Tokens
	Painter
	recon.Options
}

// Painter names the models that make pictures.
type Painter struct {
	// Model is the CLIP into whose space the tokens belong, "" for ScenesCLIP;
	// Autoencoder and Denoiser are ScenesAutoencoder and ScenesDenoiser where "".
	Model, Autoencoder, Denoiser string
}

// Reconstruct makes pictures of what may have been seen, several of each scan,
// and chooses the best by the CLIP.
func (a *App) Reconstruct(ctx context.Context, spec ReconstructSpec, watch progress.Func) (_ []recon.Reconstruction, err error) {
	if len(spec.Tokens) == 0 {
		return nil, errors.New("wanted tokens of one scan or more, found none")
	}
	p, err := a.openPainter(ctx, spec.Painter, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, p)
	opts := spec.Options
	opts.Progress = watch
	return p.Reconstruct(ctx, spec.Tokens, p.encoder, opts)
}

// painter makes pictures of tokens, and compares them by a CLIP.
type painter struct {
	*recon.Reconstructor
	encoder                     *ImageEncoder
	clip, autoencoder, denoiser *model.Model
}

// openPainter opens the models that make pictures. It refuses a denoiser of other
// tokens than the CLIP's.
func (a *App) openPainter(ctx context.Context, names Painter, watch progress.Func) (*painter, error) {
	p := &painter{}
	var err error
	if p.clip, err = a.OpenModel(ctx, cmp.Or(names.Model, ScenesCLIP), watch); err != nil {
		return nil, err
	}
	if p.autoencoder, err = a.OpenModel(ctx, cmp.Or(names.Autoencoder, ScenesAutoencoder), watch); err != nil {
		return nil, err
	}
	if p.denoiser, err = a.OpenModel(ctx, cmp.Or(names.Denoiser, ScenesDenoiser), watch); err != nil {
		return nil, err
	}
	if p.denoiser.Kind == model.Denoiser && (p.clip.T != p.denoiser.T || p.clip.D != p.denoiser.D) {
		return nil, fmt.Errorf("the denoiser %s wants %d tokens of %d elements, the model %s has %d of %d: %w",
			Label(p.denoiser), p.denoiser.T, p.denoiser.D, Label(p.clip), p.clip.T, p.clip.D, recon.ErrMismatch)
	}
	if p.encoder, err = a.OpenImageEncoder(ctx, p.clip, watch); err != nil {
		return nil, err
	}
	if p.Reconstructor, err = recon.Open(p.encoder.runtime, p.autoencoder, p.denoiser, a.Session()); err != nil {
		return nil, errors.Join(err, p.encoder.Close())
	}
	return p, nil
}

// Close frees the models.
func (p *painter) Close() error { return errors.Join(p.Reconstructor.Close(), p.encoder.Close()) }
