package recon

import (
	"context"
	"fmt"
	"math"
	"sync"

	"engram/embed"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// lazyEncoder opens the autoencoder's encoder when an image is to begin from.
type lazyEncoder struct {
	opener  opener
	mu      sync.Mutex
	network *network
}

// openEncoder returns the encoder, which it opens once.
func (r *Reconstructor) openEncoder() (*network, error) {
	e := &r.encoder
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.network != nil {
		return e.network, nil
	}
	size := int64(r.picture.Size)
	n, err := e.opener.open("encoder", map[string][]int64{"pixels": {-1, 3, size, size}}, map[string][]int64{"latent": r.latents(-1)})
	if err != nil {
		return nil, err
	}
	e.network = &n
	return e.network, nil
}

// close frees the encoder, if it was opened.
func (e *lazyEncoder) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.network == nil {
		return nil
	}
	return e.network.session.Close()
}

// encode returns the latents of images as the denoiser knows them, one after the
// other, or nil of none. It runs on few at once, as many as a batch has.
func (r *Reconstructor) encode(ctx context.Context, images []*pixels.Image, batch int) ([]float32, error) {
	if len(images) == 0 {
		return nil, nil
	}
	encoder, err := r.openEncoder()
	if err != nil {
		return nil, err
	}
	transform, err := pixels.NewTransform(r.picture)
	if err != nil {
		return nil, err
	}
	var latents []float32
	size := r.picture.Size
	for first := 0; first < len(images); first += batch {
		part := images[first:min(first+batch, len(images))]
		in := make([]float32, len(part)*3*size*size)
		for i, img := range part {
			if err := transform.Apply(in[i*3*size*size:][:3*size*size], img); err != nil {
				return nil, fmt.Errorf("image %d to begin from: %w", first+i, err)
			}
		}
		found, err := encoder.run(ctx, map[string]*ort.Tensor{
			"pixels": {Shape: []int64{int64(len(part)), 3, int64(size), int64(size)}, Data: in},
		})
		if err != nil {
			return nil, err
		}
		latents = append(latents, found...)
	}
	if at := embed.FirstNotFinite(latents); at >= 0 {
		return nil, fmt.Errorf("%s makes latents with the value %v: %w", encoder.model.File, latents[at], embed.ErrNotFinite)
	}
	for i := range latents {
		latents[i] *= r.scale
	}
	return latents, nil
}

// checkStarts reports images that cannot be begun from.
func (o *Options) checkStarts(scans int) error {
	switch {
	case o.Starts == nil && o.Strength != 0:
		return fmt.Errorf("strength is %v without images to begin from", o.Strength)
	case o.Starts == nil:
		return nil
	case len(o.Starts) != scans:
		return fmt.Errorf("%d images to begin from, wanted one for each of %d scans: %w", len(o.Starts), scans, ErrMismatch)
	case o.Strength < 0 || o.Strength > 1 || math.IsNaN(o.Strength):
		return fmt.Errorf("strength is %v, wanted a number above 0 and up to 1", o.Strength)
	}
	return nil
}
