package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"

	"engram/data/npy"
	"engram/data/progress"
	"engram/data/space"
	"engram/embed/dataset"
	"engram/embed/model"
	"engram/embed/scan"
	"engram/embed/voxels"

	"gonum.org/v1/gonum/blas/blas32"
)

// Dataset names the files of scans and of what was seen in them: either Voxels
// with Stimuli or Targets, or MindEye, which has both.
type Dataset struct {
	Voxels  string // .npy of [trials, voxels], or a NIfTI image with Mask
	Mask    string // NIfTI image whose voxels above 0 are used
	Labels  string // of Mask: the values that are used, "1,2,5-7" or "all"; "" for a mask of one value
	Stimuli string // images: a folder, or a .npy of [images, H, W] or [images, H, W, 3]
	Targets string // instead of Stimuli, embeddings that Model made: .npy of [images, T, D]
	Trials  string // table that says which image each trial saw; "": trial i saw image i
	Column  string // of Trials
	Model   string // model that embeds the images; "" means Pixels
	MindEye string // folder of a data set in MindEye's layout
	Subject int    // of MindEye, from 1; 0: the only one

	stored bool   // Targets stay in their file, and are read in pieces
	preset string // that all of it trains; "": none
}

// images names the file of the images seen, for messages.
func (d *Dataset) images() string { return d.Stimuli + d.Targets + d.MindEye }

// present reports a file or a folder that is not there.
func (d *Dataset) present() error {
	for _, path := range []string{d.Voxels, d.Mask, d.Stimuli, d.Targets, d.Trials} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	if d.MindEye == "" {
		return nil
	}
	return dataset.MindEye{Dir: d.MindEye, Subject: d.Subject}.Check()
}

// study is what decoders are trained on and scored with.
type study struct {
	scan.Data
	model *model.Model
	scans *dataset.Scans // of MindEye, else nil
	order voxels.Order   // of the voxels
	names []string       // of the images, nil where they have none
	file  *npy.Rows      // of embeddings that stay in their file, else nil
	Matched
}

// Matched says how files were joined.
type Matched struct {
	// Recording says in one line what the scans are, Seen how they were matched with
	// the images.
	Recording string `json:"recording"`
	Seen      string `json:"matched"`
	// Warnings are what is odd about the match, one sentence each.
	Warnings []string `json:"warnings,omitempty"`
}

// warn logs the warnings.
func (m *Matched) warn(log *slog.Logger) {
	for _, warning := range m.Warnings {
		log.Warn(warning)
	}
}

// target names the space of the targets.
func (s *study) target() space.Space { return SpaceOf(s.model) }

// openStudy reads the scans and embeds the images seen. read reads the wanted
// splits of MindEye's data.
func (a *App) openStudy(ctx context.Context, spec Dataset, read func(dataset.MindEye) (*dataset.Scans, error), watch progress.Func) (_ *study, err error) {
	if spec.MindEye == "" && (spec.Stimuli == "") == (spec.Targets == "") {
		return nil, errors.New("wanted one of --stimuli and --targets")
	}
	if spec.Model == "" {
		if spec.Targets != "" {
			return nil, errors.New("--targets needs --model: the decoder must know which model made the embeddings")
		}
		spec.Model = Pixels
	}
	if spec.MindEye != "" {
		return a.openMindEye(ctx, spec, read, watch)
	}
	m, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return nil, err
	}
	s := &study{Data: scan.Data{T: m.T, D: m.D}, model: m}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := s.readVoxels(ctx, spec); err != nil {
		return nil, err
	}
	if spec.Targets != "" {
		if err = s.readTargets(spec); err == nil {
			s.names, err = dataset.TargetNames(spec.Targets)
		}
	} else {
		s.names, s.Targets, err = a.embedStimuli(ctx, spec.Stimuli, m, watch)
	}
	if err != nil {
		return nil, err
	}
	if s.names != nil && len(s.names) != s.Targets.Rows {
		return nil, fmt.Errorf("%s has %d rows, its metadata names %d images", spec.Targets, s.Targets.Rows, len(s.names))
	}
	if err := s.join(spec); err != nil {
		return nil, err
	}
	s.warn(a.opts.Logger)
	return s, nil
}

// imageName returns the name of an image, or its number (with MindEye's data among
// NSD's 73,000).
func (s *study) imageName(image int) string {
	if s.scans != nil {
		return strconv.FormatInt(s.scans.Number(image), 10)
	}
	if s.names == nil {
		return strconv.Itoa(image)
	}
	return s.names[image]
}

// readVoxels reads the scans.
func (s *study) readVoxels(ctx context.Context, spec Dataset) error {
	recording, err := dataset.Recording{Path: spec.Voxels, Mask: spec.Mask, Labels: spec.Labels}.Open()
	if err != nil {
		return err
	}
	defer recording.Close()
	s.order, s.Recording, s.Warnings = recording.Order, recording.String(), recording.Warnings
	if err := s.checkMemory(spec, recording); err != nil {
		return err
	}
	s.Voxels, err = recording.Matrix(ctx)
	return err
}

// checkMemory refuses what the machine cannot hold, before it is read.
func (s *study) checkMemory(spec Dataset, recording *dataset.Voxels) error {
	if spec.preset == "" {
		return nil
	}
	size := scan.Size{Trials: recording.Trials, Voxels: recording.Count, Elements: s.T * s.D, Stored: spec.stored}
	if spec.Targets != "" {
		file, images, err := dataset.OpenTargets(spec.Targets, s.T, s.D)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
		size.Images = images
	}
	return size.Check(spec.preset)
}

// readTargets reads the embeddings, or opens their file where they are read in
// pieces.
func (s *study) readTargets(spec Dataset) (err error) {
	if !spec.stored {
		s.Targets, err = dataset.Targets(spec.Targets, s.T, s.D)
		return err
	}
	s.file, s.Targets.Rows, err = dataset.OpenTargets(spec.Targets, s.T, s.D)
	if err != nil {
		return err
	}
	s.Stored, s.Targets.Cols, s.Targets.Stride = s.file, s.T*s.D, s.T*s.D
	return nil
}

// Close closes the file of embeddings, where there is one.
func (s *study) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// join finds the image that each trial saw. Trials without an image are left out.
func (s *study) join(spec Dataset) (err error) {
	seen := dataset.InOrder(s.names, s.Targets.Rows)
	if spec.Trials != "" {
		if seen, err = dataset.ReadSeen(spec.Trials, spec.Column, s.names, s.Targets.Rows); err != nil {
			return err
		}
	}
	if trials := s.Voxels; len(seen.Images) != trials.Rows {
		source := spec.images()
		if spec.Trials != "" {
			source = spec.Trials
		}
		err := fmt.Errorf("%s has %d trials, %s tells of %d (--trials says which image each trial saw)", spec.Voxels, trials.Rows, source, len(seen.Images))
		if len(seen.Images) == trials.Cols {
			err = fmt.Errorf("%w; it has %d columns: wanted [trials, voxels], perhaps it is transposed", err, trials.Cols)
		}
		return err
	}
	s.Seen, s.Warnings = seen.String(), append(s.Warnings, seen.Warnings()...)
	s.mergeEqual(seen)
	if !slices.Contains(seen.Images, dataset.NoImage) {
		s.Images = seen.Images
		return nil
	}
	var kept []int
	for trial, image := range seen.Images {
		if image != dataset.NoImage {
			kept, s.Images = append(kept, trial), append(s.Images, image)
		}
	}
	s.Voxels = pick(s.Voxels, kept)
	return nil
}

// openMindEye reads the tars of MindEye and embeds their images.
func (a *App) openMindEye(ctx context.Context, spec Dataset, read func(dataset.MindEye) (*dataset.Scans, error), watch progress.Func) (*study, error) {
	m, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return nil, err
	}
	scans, err := read(dataset.MindEye{Dir: spec.MindEye, Subject: spec.Subject})
	if err != nil {
		return nil, err
	}
	a.opts.Logger.Info("scans of " + scans.String())
	s := &study{
		Data: scan.Data{Voxels: scans.Voxels, Images: scans.Images, T: m.T, D: m.D}, model: m, scans: scans,
		order:   voxels.OfArray(scans.Voxels.Cols),
		Matched: Matched{Recording: scans.String(), Seen: fmt.Sprintf("%d samples joined to %d images by their numbers among NSD's 73,000", scans.Samples, scans.Stimuli.Count)},
	}
	s.Targets, err = a.embed(ctx, scans.Stimuli, m, watch)
	return s, err
}

// embedStimuli returns the names of the stimuli, if they have names, and their
// tokens, [images, T·D].
func (a *App) embedStimuli(ctx context.Context, path string, m *model.Model, watch progress.Func) (_ []string, _ blas32.General, err error) {
	s, err := dataset.OpenStimuli(path)
	if err != nil {
		return nil, blas32.General{}, err
	}
	defer closeInto(&err, s)
	targets, err := a.embed(ctx, s, m, watch)
	return s.Names, targets, err
}

// embed returns the tokens of stimuli, [images, T·D].
func (a *App) embed(ctx context.Context, s *dataset.Stimuli, b *model.Model, watch progress.Func) (_ blas32.General, err error) {
	m, err := a.OpenImageEncoder(ctx, b, watch)
	if err != nil {
		return blas32.General{}, err
	}
	defer closeInto(&err, m)
	return s.Embed(ctx, m, watch)
}
