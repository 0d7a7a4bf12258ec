package app

import (
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed/bundle"
	"engram/embed/dataset"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// Dataset names the files of scans and of what was seen in them: either Voxels
// with Stimuli or Targets, or MindEye, which has both.
type Dataset struct {
	Voxels  string // .npy of [trials, voxels], or a NIfTI image with Mask
	Mask    string // NIfTI image whose voxels that are not zero are used
	Stimuli string // images: a folder, or a .npy of [images, H, W] or [images, H, W, 3]
	Targets string // instead of Stimuli, embeddings that Bundle made: .npy of [images, T, D]
	Trials  string // CSV that says which image each trial saw; "": trial i saw image i
	Column  string // of Trials
	Bundle  string // model bundle that embeds the images; "" means Pixels
	MindEye string // folder of a data set in MindEye's layout
	Subject int    // of MindEye, from 1; 0: the only one
}

// images names the file of the images seen, for messages.
func (d *Dataset) images() string { return d.Stimuli + d.Targets + d.MindEye }

// study is what decoders are trained on and scored with.
type study struct {
	scan.Data
	bundle *bundle.Bundle
	scans  *dataset.Scans // of MindEye, else nil
}

// target names the space of the targets.
func (s *study) target() space.Space { return SpaceOf(s.bundle) }

// openStudy reads the scans and embeds the images seen. read reads the wanted
// splits of MindEye's data.
func (a *App) openStudy(ctx context.Context, spec Dataset, read func(dataset.MindEye) (*dataset.Scans, error), watch progress.Func) (*study, error) {
	if spec.MindEye == "" && (spec.Stimuli == "") == (spec.Targets == "") {
		return nil, errors.New("wanted one of --stimuli and --targets")
	}
	if spec.Bundle == "" {
		if spec.Targets != "" {
			return nil, errors.New("--targets needs --bundle: the decoder must know which model made the embeddings")
		}
		spec.Bundle = Pixels
	}
	if spec.MindEye != "" {
		return a.openMindEye(ctx, spec, read, watch)
	}
	voxels, err := dataset.Matrix(spec.Voxels, spec.Mask)
	if err != nil {
		return nil, err
	}
	b, err := a.OpenBundle(spec.Bundle)
	if err != nil {
		return nil, err
	}
	s := &study{Data: scan.Data{Voxels: voxels, T: b.T, D: b.D}, bundle: b}
	var names []string
	if spec.Targets != "" {
		s.Targets, err = dataset.Targets(spec.Targets, b.T, b.D)
	} else {
		names, s.Targets, err = a.embedStimuli(ctx, spec.Stimuli, b, watch)
	}
	if err != nil {
		return nil, err
	}
	s.Images, err = seen(spec, names, s.Targets.Rows)
	if err != nil {
		return nil, err
	}
	if len(s.Images) != voxels.Rows {
		source := spec.images()
		if spec.Trials != "" {
			source = spec.Trials
		}
		return nil, fmt.Errorf("%s has %d trials, %s tells of %d (--trials says which image each trial saw)", spec.Voxels, voxels.Rows, source, len(s.Images))
	}
	return s, nil
}

// seen returns which of n images each trial saw.
func seen(spec Dataset, names []string, n int) ([]int, error) {
	if spec.Trials != "" {
		return dataset.Seen(spec.Trials, spec.Column, names, n)
	}
	images := make([]int, n)
	for i := range images {
		images[i] = i
	}
	return images, nil
}

// openMindEye reads the tars of MindEye and embeds their images.
func (a *App) openMindEye(ctx context.Context, spec Dataset, read func(dataset.MindEye) (*dataset.Scans, error), watch progress.Func) (*study, error) {
	b, err := a.OpenBundle(spec.Bundle)
	if err != nil {
		return nil, err
	}
	scans, err := read(dataset.MindEye{Dir: spec.MindEye, Subject: spec.Subject})
	if err != nil {
		return nil, err
	}
	a.opts.Logger.Info("scans of " + scans.String())
	s := &study{Data: scan.Data{Voxels: scans.Voxels, Images: scans.Images, T: b.T, D: b.D}, bundle: b, scans: scans}
	s.Targets, err = a.embed(ctx, scans.Stimuli, b, watch)
	return s, err
}

// embedStimuli returns the names of the stimuli, if they have names, and their
// tokens, [images, T·D].
func (a *App) embedStimuli(ctx context.Context, path string, b *bundle.Bundle, watch progress.Func) (_ []string, _ blas32.General, err error) {
	s, err := dataset.OpenStimuli(path)
	if err != nil {
		return nil, blas32.General{}, err
	}
	defer closeInto(&err, s)
	targets, err := a.embed(ctx, s, b, watch)
	return s.Names, targets, err
}

// embed returns the tokens of stimuli, [images, T·D].
func (a *App) embed(ctx context.Context, s *dataset.Stimuli, b *bundle.Bundle, watch progress.Func) (_ blas32.General, err error) {
	m, err := a.OpenModel(ctx, b, watch)
	if err != nil {
		return blas32.General{}, err
	}
	defer closeInto(&err, m)
	return s.Embed(ctx, m, watch)
}
