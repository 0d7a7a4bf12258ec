package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"engram/data/npy"
	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// EvalSpec says which decoders to score, on what.
type EvalSpec struct {
	Data     Dataset
	Training          // of presets; Preset is not used
	Presets  []string // to train and score
	Folds    int      // of cross-validation; 0: 10, or fewer where a fold would hold out one image
	Decoders []string // folders of trained decoders to score instead
	// Subsets name some of the images, "zebras=FILE" or "zebras=FILTER"; see readSubsets.
	// SubsetColumn is a column of Data.Trials each of whose values is a subset of its own; "": none.
	Subsets      []string
	SubsetColumn string
	// Subjects are scored one after another by EvalSubjects, their names in the place of
	// {subject} in paths; none stands for one without a name.
	Subjects []string
	// Examples is how many scans are kept with what was found for them and with the
	// pictures, for a report.
	Examples int
	// Predictions is the .npy file for the predicted tokens, [scans, T, D], of one
	// decoder; "": none.
	Predictions string
	// Similarities name how predictions are compared with images, see scan.Similarities.
	// Galleries and reliability are by the first. None stands for the decoder's own.
	Similarities []string
	// Gallery holds the sizes of the galleries; none stands for
	// eval.GallerySizes.
	Gallery []int
	// GalleryIndex is an index, or a folder of images, whose images are candidates too,
	// found as a search by scan finds them; "": none. It takes trained decoders.
	GalleryIndex string
}

// scored is what one decoder reached.
type scored struct {
	Score
	averaged []eval.Comparison // one for each number of repeats and similarity
	// amongTrained are the same among all images, of a cross-validation.
	amongTrained []eval.Comparison
	served       []GalleryScore // in the index that is named
}

// Eval scores decoders. Presets are cross-validated; with MindEye's data they are
// trained on the training images and scored on the test images. A trained decoder
// is scored on all scans, or on the test images of MindEye's data. A scan of
// MindEye's data is the mean of an image's trials.
func (a *App) Eval(ctx context.Context, spec EvalSpec, watch progress.Func) (_ *Scores, err error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	s, err := a.openStudy(ctx, spec.Data, dataset.MindEye.Test, watch)
	if err != nil {
		return nil, err
	}
	candidates, err := spec.candidates(s)
	if err != nil {
		return nil, err
	}
	sizes, err := spec.sizes(candidates)
	if err != nil {
		return nil, err
	}
	c := scoring{App: a, study: s, spec: spec, watch: watch}
	names := spec.Presets
	if len(spec.Decoders) > 0 {
		names = spec.Decoders
	} else if s.scans != nil {
		if c.training, err = a.openTraining(ctx, spec.Data, s, watch); err != nil {
			return nil, err
		}
	}
	if c.rt, err = a.Runtime(ctx, watch); err != nil {
		return nil, err
	}
	defer closeInto(&err, c.rt)
	if spec.GalleryIndex != "" {
		if c.gallery, err = a.openGallery(ctx, spec, s, watch); err != nil {
			return nil, err
		}
		defer closeInto(&err, c.gallery)
	}
	subsets, err := s.readSubsets(ctx, &spec, c.gallery)
	if err != nil {
		return nil, err
	}
	if c.gallery != nil {
		c.gallery.subsets = subsets
	}
	sum := newSummary(s, summary{sizes: sizes, subsets: subsets, seed: spec.Seed, similarity: c.similarities()[0], examples: spec.Examples})
	for _, name := range names {
		found, err := c.score(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := sum.add(ctx, found); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := sum.compare(); err != nil {
		return nil, err
	}
	return sum.Scores, c.describe(ctx, sum)
}

// describe adds what was scored, and what could be reached at best.
func (c *scoring) describe(ctx context.Context, sum *summary) error {
	if c.study.scans != nil {
		sum.Scans = c.study.scans.String()
	}
	sum.CrossValidated = c.spec.crossValidates()
	sum.Matched = c.study.Matched
	if c.gallery != nil {
		sum.Gallery = c.gallery.String()
	}
	sum.addCeiling(c.study.Data)
	return sum.addPictures(ctx, c.spec.Data)
}

// similarities names how predictions are compared with images, one or more.
func (c *scoring) similarities() []string {
	if len(c.spec.Similarities) == 0 {
		return []string{scan.SimilarityDecoder}
	}
	return c.spec.Similarities
}

// check refuses what can be told before anything is read.
func (spec *EvalSpec) check() error {
	if spec.Predictions != "" && len(spec.Decoders) == 0 && len(spec.Presets) != 1 {
		return fmt.Errorf("--predictions takes those of one preset, --presets names %d", len(spec.Presets))
	}
	if spec.Predictions != "" && len(spec.Decoders) > 1 {
		return fmt.Errorf("--predictions takes one decoder, --decoder names %d", len(spec.Decoders))
	}
	for _, name := range spec.Similarities {
		if err := scan.CheckSimilarity(name); err != nil {
			return fmt.Errorf("--similarity: %w", err)
		}
	}
	for _, text := range spec.Subsets {
		if name, value, _ := strings.Cut(text, "="); isFilter(value) && spec.GalleryIndex == "" {
			return fmt.Errorf("--subset %s is a filter, which needs --gallery-index: it chooses by the payload of the index's items", name)
		}
	}
	if spec.SubsetColumn != "" && spec.Data.Trials == "" {
		return errors.New("--subset-column needs --trials: it is a column of that table")
	}
	if spec.GalleryIndex != "" && len(spec.Decoders) == 0 && spec.Data.MindEye == "" {
		return errors.New("--gallery-index needs --decoder or --mindeye: in a cross-validation every image is held out by another decoder")
	}
	if len(spec.Presets) == 0 && len(spec.Decoders) == 0 {
		return errors.New("--presets names none")
	}
	if len(spec.Decoders) == 0 {
		if err := checkPresets(spec.Presets); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Dir(spec.Predictions)); err != nil {
		return fmt.Errorf("--predictions: %w", err)
	}
	return nil
}

// checkPresets refuses names that are no presets, or the same one twice.
func checkPresets(names []string) error {
	for i, name := range names {
		if err := scan.CheckPreset(name); err != nil {
			return fmt.Errorf("--presets: %w", err)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("--presets names %s twice", name)
		}
	}
	return nil
}

// sizes returns the sizes of galleries, given how many images there are.
func (spec *EvalSpec) sizes(images int) ([]int, error) {
	if len(spec.Gallery) == 0 {
		return eval.GallerySizes(images), nil
	}
	sizes := slices.Sorted(slices.Values(spec.Gallery))
	if sizes[0] < 1 || sizes[len(sizes)-1] > images {
		return nil, fmt.Errorf("--gallery is %v, wanted sizes from 1 to the %d images that there are to choose among", spec.Gallery, images)
	}
	return slices.Compact(sizes), nil
}

// openTraining opens the training images of MindEye's data. None of them may be a
// test image.
func (a *App) openTraining(ctx context.Context, spec Dataset, test *study, watch progress.Func) (*study, error) {
	s, err := a.openStudy(ctx, spec, dataset.MindEye.Training, watch)
	if err != nil {
		return nil, err
	}
	return s, test.scans.Apart(s.scans)
}

// scoring is what the scores of all decoders have in common.
type scoring struct {
	*App
	rt       *ort.Runtime
	study    *study   // to score with
	training *study   // to train presets on; nil where they are cross-validated
	gallery  *gallery // nil where no index is named
	spec     EvalSpec
	watch    progress.Func
}

// score scores the trained decoder in a folder, or a preset.
func (c *scoring) score(ctx context.Context, name string) (*scored, error) {
	switch {
	case len(c.spec.Decoders) > 0:
		return c.scoreFolder(ctx, name)
	case c.training != nil:
		return c.scoreTrained(ctx, name)
	}
	return c.crossValidate(ctx, name)
}

// options returns how a preset is trained.
func (c *scoring) options(preset string) scan.Options {
	opts := c.spec.options(c.App)
	opts.Preset, opts.Target, opts.Order, opts.Progress = preset, c.study.target(), c.study.order, c.watch
	return opts
}

// scoreFolder scores the trained decoder in a folder.
func (c *scoring) scoreFolder(ctx context.Context, dir string) (_ *scored, err error) {
	start := time.Now()
	decoder, err := scan.Open(c.rt, dir, c.Session())
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, decoder)
	if target := decoder.Config().Target; !target.Same(c.study.target()) {
		return nil, fmt.Errorf("the decoder %s predicts the space of %s, --model is %s", dir, target.Name, Label(c.study.model))
	}
	if err := c.checkVoxels(decoder); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", dir, err)
	}
	return c.scoreOpen(ctx, decoder, dir, start)
}

// checkVoxels refuses a decoder of other voxels than the scans have, and logs what
// was compared.
func (c *scoring) checkVoxels(decoder *scan.Decoder) error {
	if decoder.Config().Voxels != c.study.Voxels.Cols {
		return nil // which Decode refuses
	}
	compared, err := decoder.Config().Order.Check(c.study.order)
	if err == nil {
		c.opts.Logger.Info(compared)
	}
	return err
}

// scoreTrained trains a preset on the training images and scores it.
func (c *scoring) scoreTrained(ctx context.Context, preset string) (_ *scored, err error) {
	opts := c.options(preset)
	start := time.Now()
	model, err := scan.Train(ctx, c.rt, c.training.Data, opts)
	if err != nil {
		return nil, err
	}
	decoder, err := model.Open(c.rt, opts.Session)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, decoder)
	return c.scoreOpen(ctx, decoder, preset, start)
}

// scoreOpen scores an open decoder.
func (c *scoring) scoreOpen(ctx context.Context, decoder *scan.Decoder, name string, start time.Time) (*scored, error) {
	voxels, images := c.study.Voxels, c.study.Images
	counts, repeats := scan.RepeatCounts(images), 1
	if c.study.scans != nil {
		repeats = slices.Max(counts)
		var err error
		if voxels, images, err = scan.Average(voxels, images, repeats); err != nil {
			return nil, err
		}
	}
	predicted, err := decoder.Decode(ctx, voxels)
	if err != nil {
		return nil, err
	}
	if err := c.writePredictions(predicted); err != nil {
		return nil, err
	}
	metric, err := decoder.Metric()
	if err != nil {
		return nil, err
	}
	sim, err := decoder.Compare(ctx, scan.Pairing{Similarity: scan.SimilarityDecoder, Images: pick(c.study.Targets, images), Predicted: predicted, Repeats: repeats})
	if err != nil {
		return nil, err
	}
	s, err := newScore(name, sim, images, time.Since(start).Seconds())
	if err != nil {
		return nil, err
	}
	s.Metric = metric.Name()
	if chosen := decoder.Config(); chosen.Chosen != "" {
		s.Chosen = chosen.Preset + " (" + chosen.Chosen + ")"
	}
	out := &scored{Score: s}
	for _, repeats := range counts {
		averaged, err := scan.CompareAverages(ctx, decoder, c.study.Data, scan.Averages{Repeats: repeats, Similarities: c.similarities()})
		if err != nil {
			return nil, err
		}
		out.averaged = append(out.averaged, averaged...)
	}
	if c.gallery != nil {
		out.served, err = c.gallery.score(ctx, decoder, name, counts)
	}
	return out, err
}

// writePredictions writes predicted tokens to the file that is asked for, if any.
func (c *scoring) writePredictions(predicted blas32.General) error {
	if c.spec.Predictions == "" {
		return nil
	}
	return npy.WriteFile(c.spec.Predictions, []int{predicted.Rows, c.study.T, c.study.D}, predicted.Data)
}

// pick returns a copy of rows of m.
func pick(m blas32.General, rows []int) blas32.General {
	out := blas32.General{Rows: len(rows), Cols: m.Cols, Stride: m.Cols, Data: make([]float32, 0, len(rows)*m.Cols)}
	for _, i := range rows {
		out.Data = append(out.Data, m.Data[i*m.Stride:][:m.Cols]...)
	}
	return out
}
