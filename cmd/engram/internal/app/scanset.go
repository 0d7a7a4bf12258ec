package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/dataset"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// scanSet are scans to make pictures of, one for each image that was seen.
type scanSet struct {
	names      []string
	repeats    []int            // scans that each is the mean of
	*Predicted                  // its raw tokens are what pictures are compared with
	truth      []embed.Tokens   // of what was seen, nil where it is not known
	images     []int            // that were seen, of stimuli; nil where that is not known
	stimuli    *dataset.Stimuli // nil where they are not there
	nearest    *nearestSearch   // nil without an index
	compared   string           // what was compared of the decoder's voxels and the scans'
	unlike     string           // what is to be said of scans unlike the training trials; "": nothing
	blurry     *blurry          // nil without a low-level model
}

// Close closes stimuli, prior and index.
func (s *scanSet) Close() error {
	var faults []error
	if s.stimuli != nil {
		faults = append(faults, s.stimuli.Close())
	}
	faults = append(faults, s.Predicted.Close(), s.nearest.Close())
	return errors.Join(faults...)
}

// readScanSet reads the scans and decodes them.
func (a *App) readScanSet(ctx context.Context, spec ReconstructionsSpec, p *painter, watch progress.Func) (_ *scanSet, err error) {
	decoder, err := a.OpenDecoder(ctx, spec.Decoder, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, decoder)
	if target := decoder.Space(); !target.Same(SpaceOf(p.clip)) {
		return nil, fmt.Errorf("the decoder %s predicts the space of %s, --model is %s", spec.Decoder, target.Name, Label(p.clip))
	}
	s := &scanSet{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	var means blas32.General
	if spec.Data.Stimuli+spec.Data.Targets+spec.Data.MindEye == "" {
		means, err = s.readRecording(ctx, a, spec, decoder)
	} else {
		means, err = s.readSeen(ctx, a, spec, decoder, watch)
	}
	if err != nil {
		return nil, err
	}
	if err := s.findUnlike(decoder, means); err != nil {
		return nil, err
	}
	if s.Predicted, err = decoder.PredictTokens(ctx, Scans{means, s.repeats}, spec.Prior); err != nil {
		return nil, err
	}
	if s.blurry, err = a.predictBlurry(ctx, spec, p, means); err != nil {
		return nil, err
	}
	if spec.Index == "" {
		return s, nil
	}
	s.nearest, err = a.openNearest(ctx, spec, p.encoder, decoder)
	if err != nil {
		return nil, err
	}
	if err := s.nearest.add(ctx, decoder, means, s.repeats); err != nil {
		return nil, err
	}
	_, err = s.nearest.of(ctx, 0, a.limits) // images that are gone are told before a picture is made
	return s, err
}

// tell logs what was compared, and what is odd.
func (s *scanSet) tell(log *slog.Logger) {
	log.Info(s.compared)
	if s.unlike != "" {
		log.Warn(s.unlike)
	}
	if s.nearest != nil && s.nearest.searcher == nil {
		log.Warn("the nearest images are found by the first token alone: the index keeps no tokens (index build --tokens), and the images are not there to make them")
	}
}

// findUnlike looks for scans, [n, V], that lie far from the trials that the decoder was
// trained on.
func (s *scanSet) findUnlike(d *Decoder, scans blas32.General) error {
	far, name, distance := 0, "", 0.
	for i := range scans.Rows {
		deviation, unlike, err := d.Unlike([][]float32{scans.Data[i*scans.Stride:][:scans.Cols]})
		if err != nil {
			return err
		}
		if !unlike {
			continue
		}
		if far++; far == 1 {
			name, distance = s.names[i], deviation
		}
	}
	if far > 0 {
		s.unlike = fmt.Sprintf("%d of %d scans lie far from the training trials, perhaps they are scaled otherwise: %s lies %.3g of their standard deviations from the mean, wanted about 1",
			far, scans.Rows, name, distance)
	}
	return nil
}

// readRecording reads scans without the images that were seen.
func (s *scanSet) readRecording(ctx context.Context, a *App, spec ReconstructionsSpec, decoder *Decoder) (means blas32.General, err error) {
	recording, err := dataset.Recording{Path: spec.Data.Voxels, Mask: spec.Data.Mask, Labels: spec.Data.Labels}.Open()
	if err != nil {
		return means, err
	}
	defer closeInto(&err, recording)
	for _, warning := range recording.Warnings {
		a.opts.Logger.Warn(warning)
	}
	if s.compared, err = decoder.CheckVoxels(recording); err != nil {
		return means, fmt.Errorf("%s: %w", spec.Data.Voxels, err)
	}
	if spec.Rows == nil {
		for i := range recording.Trials {
			s.names, s.repeats = append(s.names, fmt.Sprintf("%04d", i)), append(s.repeats, 1)
		}
		return recording.Matrix(ctx)
	}
	repeats, err := recording.Rows(spec.Rows)
	if err != nil {
		return means, err
	}
	mean, err := scan.MeanOfRepeats(repeats, recording.Count)
	s.names, s.repeats = []string{fmt.Sprintf("%04d", spec.Rows[0])}, []int{len(spec.Rows)}
	return blas32.General{Rows: 1, Cols: len(mean), Stride: len(mean), Data: mean}, err
}

// readSeen reads scans with the images that were seen, and averages the trials of each.
func (s *scanSet) readSeen(ctx context.Context, a *App, spec ReconstructionsSpec, decoder *Decoder, watch progress.Func) (means blas32.General, err error) {
	study, err := a.openStudy(ctx, spec.Data, testScans, watch)
	if err != nil {
		return means, err
	}
	defer closeInto(&err, study)
	if s.compared, err = decoder.checkVoxels(study.Voxels.Cols, study.order); err != nil {
		return means, err
	}
	most := slices.Max(scan.RepeatCounts(study.Images))
	if means, s.images, err = scan.Average(study.Voxels, study.Images, most); err != nil {
		return means, err
	}
	s.truth = tokensOf(pick(study.Targets, s.images), study.T, study.D)
	trials := map[int]int{}
	for _, image := range study.Images {
		trials[image]++
	}
	for i, image := range s.images {
		s.repeats = append(s.repeats, trials[image])
		base := filepath.Base(filepath.FromSlash(study.imageName(image)))
		s.names = append(s.names, fmt.Sprintf("%04d-%s", i, strings.TrimSuffix(base, filepath.Ext(base))))
	}
	switch {
	case study.scans != nil:
		s.stimuli = study.scans.Stimuli
	case spec.Data.Stimuli != "":
		s.stimuli, err = dataset.OpenStimuli(spec.Data.Stimuli)
	}
	return means, err
}
