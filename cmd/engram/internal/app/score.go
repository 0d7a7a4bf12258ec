package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"engram/data/npy"
	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// EvalSpec says which decoders to score, on what.
type EvalSpec struct {
	Data     Dataset
	Training          // of presets; Preset is not used
	Presets  []string // to train and score
	Folds    int      // of cross-validation
	Decoder  string   // folder of a trained decoder to score instead
	// Predictions is the .npy file for the predicted tokens, [scans, T, D], of one
	// decoder; "": none.
	Predictions string
	// Gallery holds the sizes of the galleries; none stands for
	// eval.GallerySizes.
	Gallery []int
}

// Scores are what decoders reach, and what they could reach at best.
type Scores struct {
	Scans string `json:"scans,omitempty"` // what was read of MindEye's data, in a line
	Matched
	Scores []Score `json:"scores"`
	Images int     `json:"images"` // that were seen in the scans
	// Galleries are scores of image retrieval, where an image is predicted from the
	// mean of some of its trials, and chosen among so many images.
	Galleries []GalleryScore `json:"galleries"`
	// Published are scores by the published protocol, where there are enough images.
	Published []PublishedScore `json:"published,omitempty"`
	// Ceiling is nil where it cannot be known, for the reason in NoCeiling.
	Ceiling   *eval.Ceiling `json:"noise_ceiling"`
	NoCeiling string        `json:"no_noise_ceiling,omitempty"`
}

// Score is what a decoder reached with every scan as a prediction of its own.
type Score struct {
	Decoder   string  `json:"decoder"`
	Trials    int     `json:"trials"`
	TwoWay    float64 `json:"two_way"`    // chance .5
	ImageTop1 float64 `json:"image_top1"` // chance as below
	ImageTop5 float64 `json:"image_top5"` // chance five times that
	BrainTop1 float64 `json:"brain_top1"`
	Chance    float64 `json:"chance"` // of top 1
	Seconds   float64 `json:"seconds"`
}

// GalleryScore is what a decoder reached in a gallery.
type GalleryScore struct {
	Decoder string `json:"decoder"`
	Repeats int    `json:"repeats"` // trials of an image that are averaged, at most
	eval.Gallery
}

// PublishedScore is what a decoder reached by the published protocol: top 1 of
// 300 images, mean of 30 draws.
type PublishedScore struct {
	Decoder string `json:"decoder"`
	Repeats int    `json:"repeats"`
	eval.Retrieval
}

// scored is what one decoder reached.
type scored struct {
	Score
	averaged []eval.Comparison // one for each number of repeats
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
	sizes, err := spec.sizes(s.Targets.Rows)
	if err != nil {
		return nil, err
	}
	c := scoring{App: a, study: s, spec: spec, watch: watch}
	names := spec.Presets
	if spec.Decoder != "" {
		names = []string{spec.Decoder}
	} else if s.scans != nil {
		if c.training, err = a.openTraining(ctx, spec.Data, s, watch); err != nil {
			return nil, err
		}
	}
	if c.rt, err = a.Runtime(ctx, watch); err != nil {
		return nil, err
	}
	defer closeInto(&err, c.rt)
	out := &Scores{Matched: s.Matched}
	for _, name := range names {
		found, err := c.score(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := out.add(ctx, found, sizes, spec.Seed); err != nil {
			return nil, err
		}
	}
	if s.scans != nil {
		out.Scans = s.scans.String()
	}
	out.addCeiling(s.Data)
	return out, nil
}

// check refuses what can be told before anything is read.
func (spec *EvalSpec) check() error {
	if spec.Predictions != "" && spec.Decoder == "" && len(spec.Presets) != 1 {
		return fmt.Errorf("--predictions takes those of one preset, --presets names %d", len(spec.Presets))
	}
	if len(spec.Presets) == 0 && spec.Decoder == "" {
		return errors.New("--presets names none")
	}
	if _, err := os.Stat(filepath.Dir(spec.Predictions)); err != nil {
		return fmt.Errorf("--predictions: %w", err)
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
		return nil, fmt.Errorf("--gallery is %v, wanted sizes from 1 to the %d images that there are", spec.Gallery, images)
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
	study    *study // to score with
	training *study // to train presets on; nil where they are cross-validated
	spec     EvalSpec
	watch    progress.Func
}

// score scores the trained decoder in a folder, or a preset.
func (c *scoring) score(ctx context.Context, name string) (*scored, error) {
	switch {
	case c.spec.Decoder != "":
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

// crossValidate scores a preset on images that are held out.
func (c *scoring) crossValidate(ctx context.Context, preset string) (*scored, error) {
	folds, err := scan.KFoldByImage(c.study.Images, c.spec.Folds, c.spec.Seed)
	if err != nil {
		return nil, err
	}
	opts := c.options(preset)
	start := time.Now()
	cv, err := scan.CrossValidate(ctx, c.rt, c.study.Data, opts, folds)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(start).Seconds()
	if err := c.writePredictions(cv.Predicted); err != nil {
		return nil, err
	}
	s, err := newScore(preset, cv.Similarity, seconds)
	return &scored{s, cv.Averaged}, err
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
		return nil, fmt.Errorf("the decoder %s predicts the space of %s, --bundle is %s", dir, target.Name, Label(c.study.bundle))
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
	counts := scan.RepeatCounts(images)
	if c.study.scans != nil {
		var err error
		if voxels, images, err = scan.Average(voxels, images, slices.Max(counts)); err != nil {
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
	sim, err := eval.Compare(ctx, pick(c.study.Targets, images), predicted, decoder.TargetMean())
	if err != nil {
		return nil, err
	}
	s, err := newScore(name, sim, time.Since(start).Seconds())
	if err != nil {
		return nil, err
	}
	out := &scored{Score: s}
	for _, repeats := range counts {
		averaged, err := scan.CompareAverages(ctx, decoder, c.study.Data, repeats)
		if err != nil {
			return nil, err
		}
		out.averaged = append(out.averaged, averaged)
	}
	return out, nil
}

// newScore computes the figures from the similarity of what was seen in each
// scan, the rows, with what was predicted from each, the columns.
func newScore(name string, sim *mat.Dense, seconds float64) (Score, error) {
	found, err := eval.Identify(sim)
	return Score{
		Decoder: name, Trials: found.Predictions, TwoWay: found.TwoWay, ImageTop1: found.ImageTop1,
		ImageTop5: found.ImageTop5, BrainTop1: found.BrainTop1, Chance: found.Chance, Seconds: seconds,
	}, err
}

// writePredictions writes predicted tokens to the file that is asked for, if any.
func (c *scoring) writePredictions(predicted blas32.General) error {
	if c.spec.Predictions == "" {
		return nil
	}
	return npy.WriteFile(c.spec.Predictions, []int{predicted.Rows, c.study.T, c.study.D}, predicted.Data)
}

// add adds what a decoder reached.
func (out *Scores) add(ctx context.Context, found *scored, sizes []int, seed uint64) error {
	out.Scores = append(out.Scores, found.Score)
	out.Images = len(found.averaged[0].Seen)
	for _, c := range found.averaged {
		galleries, err := c.Galleries(sizes, seed)
		if err != nil {
			return err
		}
		for _, g := range galleries {
			out.Galleries = append(out.Galleries, GalleryScore{found.Decoder, c.Repeats, g})
		}
		if len(c.Seen) < eval.PublishedGallery {
			continue
		}
		retrieval, err := eval.Protocol{Seed: seed}.Score(ctx, c.Square())
		if err != nil {
			return err
		}
		out.Published = append(out.Published, PublishedScore{found.Decoder, c.Repeats, retrieval})
	}
	return nil
}

// addCeiling adds the noise ceiling of the scans.
func (out *Scores) addCeiling(data scan.Data) {
	repeats := scan.Repeats(data.Voxels, data.Images)
	if repeats == nil {
		out.NoCeiling = "no image was seen twice"
		return
	}
	ceiling, err := eval.NewCeiling(repeats)
	if err != nil {
		out.NoCeiling = err.Error()
		return
	}
	out.Ceiling = &ceiling
}

// pick returns a copy of rows of m.
func pick(m blas32.General, rows []int) blas32.General {
	out := blas32.General{Rows: len(rows), Cols: m.Cols, Stride: m.Cols, Data: make([]float32, 0, len(rows)*m.Cols)}
	for _, i := range rows {
		out.Data = append(out.Data, m.Data[i*m.Stride:][:m.Cols]...)
	}
	return out
}
