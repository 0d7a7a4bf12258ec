package recon

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// Autoencoder turns pictures into latents as a denoiser knows them, the model's times its
// scale, and latents into pictures. It opens its graphs when they are needed first, and is
// safe for concurrent use.
type Autoencoder struct {
	channels, side   int // of a latent
	scale            float32
	picture          pixels.Options
	encoder, decoder *lazyNetwork
}

// OpenAutoencoder opens a model of kind vae. The caller closes the autoencoder before rt.
func OpenAutoencoder(rt *ort.Runtime, vae *model.Model, opts ort.SessionOptions) (*Autoencoder, error) {
	if vae.Kind != model.VAE {
		return nil, fmt.Errorf("recon: %s is a model of kind %s, wanted vae: %w", vae.Dir(), vae.Kind, ErrMismatch)
	}
	return newAutoencoder(opener{rt, vae, opts}), nil
}

func newAutoencoder(o opener) *Autoencoder {
	p, latent := o.model.Preprocess, o.model.Latent
	a := &Autoencoder{
		channels: latent.Channels, side: o.model.ImageSize / latent.Factor, scale: float32(latent.Scale),
		picture: pixels.Options{
			Size: o.model.ImageSize, Filter: pixels.Filter(p.Filter), Antialias: p.Antialias, Crop: pixels.Crop(p.Crop),
			Resize: p.Resize, Rounding: pixels.Rounding(p.Rounding), Fill: byte(p.Fill), Range: p.Range, Mean: p.Mean, Std: p.Std,
		},
	}
	size := int64(a.picture.Size)
	pictures, latents := map[string][]int64{"pixels": {-1, 3, size, size}}, map[string][]int64{"latent": a.latents(-1)}
	a.encoder, a.decoder = o.lazy("encoder", pictures, latents), o.lazy("decoder", latents, pictures)
	return a
}

// Close frees what was opened.
func (a *Autoencoder) Close() error { return errors.Join(a.encoder.close(), a.decoder.close()) }

// Elements returns C·S/f·S/f, the number of elements of a latent.
func (a *Autoencoder) Elements() int { return a.channels * a.side * a.side }

// latents is the shape of n of them.
func (a *Autoencoder) latents(n int) []int64 {
	return []int64{int64(n), int64(a.channels), int64(a.side), int64(a.side)}
}

// Encode returns the latents of images, [n, C, S/f, S/f], one after the other. It runs on so
// many images at once, 1 or more.
func (a *Autoencoder) Encode(ctx context.Context, images []*pixels.Image, batch int) ([]float32, error) {
	encoder, err := a.encoder.get()
	if err != nil {
		return nil, err
	}
	transform, err := pixels.NewTransform(a.picture)
	if err != nil {
		return nil, err
	}
	var latents []float32
	size := a.picture.Size
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
		latents[i] *= a.scale
	}
	return latents, nil
}

// Decode returns the pictures of latents, [n, C, S/f, S/f], which it changes.
func (a *Autoencoder) Decode(ctx context.Context, latents []float32) ([]*pixels.Image, error) {
	decoder, err := a.decoder.get()
	if err != nil {
		return nil, err
	}
	for i := range latents {
		latents[i] /= a.scale
	}
	n := len(latents) / a.Elements()
	values, err := decoder.run(ctx, map[string]*ort.Tensor{"latent": {Shape: a.latents(n), Data: latents}})
	if err != nil {
		return nil, err
	}
	if at := embed.FirstNotFinite(values); at >= 0 {
		return nil, fmt.Errorf("%s makes pictures with the value %v: %w", decoder.model.File, values[at], embed.ErrNotFinite)
	}
	images := make([]*pixels.Image, n)
	for i := range images {
		if images[i], err = a.picture.Image(values[i*len(values)/n:][:len(values)/n]); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// lazyNetwork opens a graph when it is needed first.
type lazyNetwork struct {
	check   func() error // reports tensors that do not fit, without opening
	open    func() (network, error)
	mu      sync.Mutex
	network *network
}

// get returns the graph, which it opens once.
func (l *lazyNetwork) get() (*network, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.network != nil {
		return l.network, nil
	}
	n, err := l.open()
	if err != nil {
		return nil, err
	}
	l.network = &n
	return l.network, nil
}

// close frees the graph, if it was opened.
func (l *lazyNetwork) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.network == nil {
		return nil
	}
	return l.network.session.Close()
}
