package demo

import (
	"context"
	"errors"
	"path/filepath"

	"engram/data/scenes"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/recon"
	"engram/recon/lowlevel"

	"gonum.org/v1/gonum/blas/blas32"
)

// trainLowLevel trains the low-level model beside the decoder that is served.
func (d *demo) trainLowLevel(ctx context.Context, data scan.Data, trials *scan.Trials, decoder string) (err error) {
	rt, vae := d.encoder.Runtime(), d.painters[0]
	autoencoder, err := recon.OpenAutoencoder(rt, vae, d.app.Session())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, autoencoder.Close()) }()
	shown := d.cast.train.scenes[:d.Scale.Seen]
	latents, err := latentsOf(ctx, autoencoder, len(shown), func(i int) *pixels.Image { return drawScene(&shown[i], vae.ImageSize) })
	if err != nil {
		return err
	}
	low, err := lowlevel.TrainRidge(ctx, rt, lowlevel.Data{
		Voxels: data.Voxels, Images: data.Images, Latents: latents, Autoencoder: vae,
	}, scan.Options{Seed: d.Seed, Session: d.app.Session(), Trials: trials, Progress: d.watch})
	if err != nil {
		return err
	}
	return low.Save(filepath.Join(decoder, lowlevel.Folder))
}

// blurry returns the images that the low-level model beside the decoder predicts of scans,
// [n, V].
func (d *demo) blurry(ctx context.Context, decoder string, scans blas32.General) (_ []*pixels.Image, err error) {
	rt, vae := d.encoder.Runtime(), d.painters[0]
	autoencoder, err := recon.OpenAutoencoder(rt, vae, d.app.Session())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, autoencoder.Close()) }()
	low, err := lowlevel.Open(rt, filepath.Join(decoder, lowlevel.Folder), vae, d.app.Session())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, low.Close()) }()
	latents, err := low.Predict(ctx, scans)
	if err != nil {
		return nil, err
	}
	return autoencoder.Decode(ctx, latents)
}

// latentsOf returns the latents of n pictures, [n, C·S/f·S/f].
func latentsOf(ctx context.Context, by *recon.Autoencoder, n int, picture func(i int) *pixels.Image) (blas32.General, error) {
	const batch = 16
	all := blas32.General{Rows: n, Cols: by.Elements(), Stride: by.Elements()}
	for first := 0; first < n; first += batch {
		var images []*pixels.Image
		for i := first; i < min(first+batch, n); i++ {
			images = append(images, picture(i))
		}
		found, err := by.Encode(ctx, images, batch)
		if err != nil {
			return all, err
		}
		all.Data = append(all.Data, found...)
	}
	return all, nil
}

// drawScene draws a scene with so many pixels a side.
func drawScene(scene *scenes.Scene, side int) *pixels.Image {
	img := &pixels.Image{W: side, H: side, Pix: make([]byte, 3*side*side)}
	scene.DrawRGB(img.Pix, side)
	return img
}
