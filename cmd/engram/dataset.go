package main

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/data/space"
	"engram/embed/bundle"
	"engram/embed/dataset"
	"engram/embed/scan"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/blas/blas32"
)

// datasetFlags name scans and what was seen in them.
type datasetFlags struct {
	voxels, mask, stimuli, targets, trials, column, bundle string
}

func (f *datasetFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.voxels, "voxels", "", "scans: a .npy `file` of [trials, voxels], or a NIfTI of one volume per trial with --mask")
	flags.StringVar(&f.mask, "mask", "", "NIfTI `file` whose voxels that are not zero are used")
	flags.StringVar(&f.stimuli, "stimuli", "", "images seen: a `folder`, in the order of the names, or a .npy file of uint8 [images, H, W] or [images, H, W, 3]")
	flags.StringVar(&f.targets, "targets", "", "instead of --stimuli, embeddings that --bundle made of the images: a .npy `file` of [images, D] or [images, T, D]")
	flags.StringVar(&f.trials, "trials", "", "CSV `file` with a header and a line per trial that says which image was seen (default: trial i saw image i)")
	flags.StringVar(&f.column, "column", "image", "column of --trials: the image's number from 0, or its path in the folder of stimuli")
	flags.StringVar(&f.bundle, "bundle", "", "`folder` of the model bundle that embeds the images (default pixels, the built-in one)")
}

// trainingData is what a decoder is trained and scored on.
type trainingData struct {
	scan.Data
	bundle *bundle.Bundle
}

// target names the space of the targets.
func (d *trainingData) target() space.Space {
	return app.SpaceOf(d.bundle)
}

// openDataset reads the scans and embeds the images seen.
func (a *console) openDataset(ctx context.Context, f datasetFlags) (*trainingData, error) {
	if (f.stimuli == "") == (f.targets == "") {
		return nil, errors.New("wanted one of --stimuli and --targets")
	}
	if f.bundle == "" {
		if f.targets != "" {
			return nil, errors.New("--targets needs --bundle: the decoder must know which model made the embeddings")
		}
		f.bundle = app.Pixels
	}
	voxels, err := dataset.Matrix(f.voxels, f.mask)
	if err != nil {
		return nil, err
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return nil, err
	}
	d := &trainingData{Data: scan.Data{Voxels: voxels, T: b.T, D: b.D}, bundle: b}
	var names []string
	source := f.stimuli
	if f.targets != "" {
		source = f.targets
		d.Targets, err = dataset.Targets(f.targets, b.T, b.D)
	} else {
		names, d.Targets, err = a.embedStimuli(ctx, f.stimuli, b)
	}
	if err != nil {
		return nil, err
	}
	if f.trials != "" {
		d.Images, err = dataset.Seen(f.trials, f.column, names, d.Targets.Rows)
		source = f.trials
	} else {
		for i := range d.Targets.Rows {
			d.Images = append(d.Images, i)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(d.Images) != voxels.Rows {
		return nil, fmt.Errorf("%s has %d trials, %s tells of %d (--trials says which image each trial saw)", f.voxels, voxels.Rows, source, len(d.Images))
	}
	return d, nil
}

// embedStimuli returns the names of the stimuli, if they have names, and their
// tokens, [images, T·D].
func (a *console) embedStimuli(ctx context.Context, path string, b *bundle.Bundle) (_ []string, _ blas32.General, err error) {
	var none blas32.General
	s, err := dataset.OpenStimuli(path)
	if err != nil {
		return nil, none, err
	}
	defer closeInto(&err, s)
	m, err := a.openModel(ctx, b)
	if err != nil {
		return nil, none, err
	}
	defer closeInto(&err, m)
	bar := a.newProgress("embedding stimuli", "images")
	defer bar.finish()
	bar.set(0, int64(s.Count))
	targets, err := s.Embed(ctx, m, func(done int) { bar.set(int64(done), int64(s.Count)) })
	return s.Names, targets, err
}
