package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/recon"
	"engram/recon/lowlevel"

	"gonum.org/v1/gonum/blas/blas32"
)

// trainLowLevel trains the low-level model of a study. named is the autoencoder, "" for
// ScenesAutoencoder.
func (a *App) trainLowLevel(ctx context.Context, spec TrainSpec, s *study, opts scan.Options) (_ *lowlevel.Model, err error) {
	vae, err := a.OpenModel(ctx, cmp.Or(spec.Autoencoder, ScenesAutoencoder), opts.Progress)
	if err != nil {
		return nil, err
	}
	rt, err := a.Runtime(ctx, opts.Progress)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	autoencoder, err := recon.OpenAutoencoder(rt, vae, a.Session())
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, autoencoder)
	var stimuli *dataset.Stimuli
	if s.scans != nil {
		stimuli = s.scans.Stimuli
	} else {
		if stimuli, err = dataset.OpenStimuli(spec.Data.Stimuli); err != nil {
			return nil, err
		}
		defer closeInto(&err, stimuli)
	}
	latents, err := latentsOf(ctx, stimuli, autoencoder, opts.Progress)
	if err != nil {
		return nil, err
	}
	data := lowlevel.Data{Voxels: s.Voxels, Images: s.Images, Latents: latents, Autoencoder: vae}
	if spec.LowLevelKind == lowlevel.NetworkKind {
		return lowlevel.TrainNetwork(ctx, rt, data, lowlevel.NetworkOptions{Seed: opts.Seed, Session: opts.Session, Progress: opts.Progress})
	}
	return lowlevel.TrainRidge(ctx, rt, data, opts)
}

// latentsOf returns the latents of stimuli, [images, C·S/f·S/f].
func latentsOf(ctx context.Context, s *dataset.Stimuli, by *recon.Autoencoder, watch progress.Func) (blas32.General, error) {
	const batch = 16
	all := blas32.General{Rows: s.Count, Cols: by.Elements(), Stride: by.Elements()}
	report := watch.Stage("encoding stimuli", "images", int64(s.Count))
	for from := 0; from < s.Count; from += batch {
		var images []*pixels.Image
		for i := from; i < min(from+batch, s.Count); i++ {
			img, err := s.Read(ctx, i)
			if err != nil {
				return all, err
			}
			images = append(images, img)
		}
		latents, err := by.Encode(ctx, images, batch)
		if err != nil {
			return all, err
		}
		all.Data = append(all.Data, latents...)
		report(int64(from+len(images)), int64(s.Count))
	}
	return all, nil
}

// checkLowLevel refuses data without images to encode.
func (spec *TrainSpec) checkLowLevel() error {
	if spec.LowLevel && spec.Data.Stimuli == "" && spec.Data.MindEye == "" {
		return errors.New("--low-level needs --stimuli or --mindeye: the autoencoder encodes the images that were seen")
	}
	switch {
	case !spec.LowLevel && spec.Autoencoder != "":
		return errors.New("--autoencoder needs --low-level: it names whose latents are predicted")
	case !spec.LowLevel && spec.LowLevelKind != "":
		return errors.New("--low-level-kind needs --low-level: it says how the latents are predicted")
	case spec.LowLevelKind != "" && !slices.Contains(lowlevel.Kinds(), spec.LowLevelKind):
		return fmt.Errorf("--low-level-kind is %q, wanted one of %s", spec.LowLevelKind, strings.Join(lowlevel.Kinds(), ", "))
	}
	return nil
}

// blurry are the predictions of a low-level model.
type blurry struct {
	fingerprint string
	latents     [][]float32 // of each scan
}

// predictBlurry predicts the latents of scans by the low-level model that is named, or
// else by the one beside the decoder; nil where there is none.
func (a *App) predictBlurry(ctx context.Context, spec ReconstructionsSpec, p *painter, means blas32.General) (_ *blurry, err error) {
	if spec.Start == StartBlurry && spec.LowLevel == "" {
		spec.LowLevel = filepath.Join(spec.Decoder, lowlevel.Folder)
	}
	dir := cmp.Or(spec.LowLevel, filepath.Join(spec.Decoder, lowlevel.Folder))
	predictor, err := lowlevel.Open(p.encoder.runtime, dir, p.autoencoder, a.Session())
	switch {
	case errors.Is(err, fs.ErrNotExist) && spec.LowLevel == "":
		return nil, nil
	case errors.Is(err, lowlevel.ErrMismatch) && spec.LowLevel == "":
		a.opts.Logger.Warn(fmt.Sprintf("no blurry images: %v", err))
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("blurry images need a low-level model, which engram train --low-level writes beside a decoder: %w", err)
	case err != nil:
		return nil, err
	}
	defer closeInto(&err, predictor)
	latents, err := predictor.Predict(ctx, means)
	if err != nil {
		return nil, err
	}
	out := &blurry{fingerprint: predictor.Fingerprint()}
	for i := range means.Rows {
		out.latents = append(out.latents, latents[i*p.Elements():][:p.Elements()])
	}
	return out, nil
}

// pictures returns the blurry images of some scans, nil where there are none.
func (b *blurry) pictures(ctx context.Context, by *recon.Autoencoder, scans []int) ([]*pixels.Image, error) {
	if b == nil {
		return nil, nil
	}
	var latents []float32
	for _, i := range scans {
		latents = append(latents, b.latents[i]...)
	}
	return by.Decode(ctx, latents)
}
