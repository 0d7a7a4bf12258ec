package scan

import (
	"context"
	"fmt"
	"slices"

	"engram/data/progress"
	"engram/embed/eval"
	"engram/embed/internal/matrix"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// CrossValidation is what decoders say of trials that they were not trained on.
type CrossValidation struct {
	Predicted blas32.General // [trials, T·D]: each trial's tokens, by the decoder of the folds that it is not in
	// Similarity compares what each trial saw, the rows, with the prediction of
	// each trial, the columns, by that decoder's metric. The diagonal holds the right
	// pairs.
	Similarity *mat.Dense
	// HeldOut are the figures of trials among the images that their own fold holds out.
	// Images that a decoder was trained on, which Similarity has too, differ from others
	// in that alone: gains and likelihoods tell them apart whatever the scan says.
	HeldOut eval.Identification
	// Averaged compares the images that were seen, each predicted from its mean scan, with
	// the images that their own fold holds out, its Parts being the folds: for each of
	// RepeatCounts, the smallest first, one comparison for each similarity.
	Averaged []eval.Comparison
	// AmongTrained is Averaged among all images of the targets, the images that each
	// decoder was trained on with them.
	AmongTrained []eval.Comparison
	// Presets are the presets of the folds' decoders: what auto chose.
	Presets []string
}

// CrossValidate trains one decoder for each fold and tests it on the trials that
// the fold holds out. similarities are what Averaged compares by; none stands for
// SimilarityDecoder. Everything a decoder knows, statistics and penalties
// included, comes from its own training trials. opts.Checkpoint and opts.Trials are not used.
// opts.Progress is told of one stage, which counts the epochs of all folds, or the
// folds where a preset has no epochs.
func CrossValidate(ctx context.Context, rt *ort.Runtime, data Data, opts Options, folds []Fold, similarities ...string) (*CrossValidation, error) {
	if err := data.check(ctx); err != nil {
		return nil, err
	}
	if err := data.inMemory("cross-validation"); err != nil {
		return nil, err
	}
	for _, name := range similarities {
		if err := CheckSimilarity(name); err != nil {
			return nil, err
		}
	}
	if err := checkFolds(folds, data.Voxels.Rows); err != nil {
		return nil, err
	}
	opts.Checkpoint, opts.Trials, opts.Unserved = "", nil, true
	if !opts.Target.Known() {
		opts.Target = unnamedTarget(data.Targets)
	}
	cv := &CrossValidation{
		Predicted:  matrix.New(data.Voxels.Rows, data.Targets.Cols),
		Similarity: mat.NewDense(data.Voxels.Rows, data.Voxels.Rows, nil),
	}
	cv.Averaged, cv.AmongTrained = data.newAverages(similarities), data.newAverages(similarities)
	parts := partsOf(cv.Averaged[0].Seen, data.Images, folds)
	for i := range cv.Averaged {
		cv.Averaged[i].Parts = parts
	}
	v := &validation{CrossValidation: cv, rt: rt, data: data, opts: opts, seen: matrix.Pick(data.Targets, data.Images)}
	for k, fold := range folds {
		v.opts.Progress = foldProgress(opts.Progress, opts.withDefaults(data.Voxels.Rows).Preset, k, len(folds))
		if err := v.fold(ctx, fold); err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", k+1, len(folds), err)
		}
	}
	cv.HeldOut = eval.Pooled(v.heldOut)
	return cv, nil
}

// partsOf returns, for each image that was seen, the fold that holds it out.
func partsOf(seen, images []int, folds []Fold) []int {
	parts := make([]int, len(seen))
	for k, fold := range folds {
		for _, trial := range fold.Test {
			parts[slices.Index(seen, images[trial])] = k
		}
	}
	return parts
}

// foldProgress returns what watches the training of fold k, counted from 0, for
// somebody who watches all folds.
func foldProgress(watch progress.Func, preset string, k, folds int) progress.Func {
	stage := "cross-validating " + preset
	if slices.Contains(closedForms(), preset) {
		watch.Report(progress.Report{Stage: stage, Unit: "folds", Done: int64(k), Total: int64(folds)})
		return nil
	}
	return func(r progress.Report) {
		if r.Stage == TrainingStage {
			r.Stage, r.Done, r.Total = stage, int64(k)*r.Total+r.Done, int64(folds)*r.Total
			watch.Report(r)
		}
	}
}

// checkFolds wants every trial in one test set, and none on both sides of a fold.
func checkFolds(folds []Fold, trials int) error {
	tests := make([]int, trials)
	for k, fold := range folds {
		for _, trial := range slices.Concat(fold.Train, fold.Test) {
			if trial < 0 || trial >= trials {
				return fmt.Errorf("scan: fold %d of %d has trial %d, there are trials 0 to %d", k+1, len(folds), trial, trials-1)
			}
		}
		for _, trial := range fold.Test {
			tests[trial]++
			if slices.Contains(fold.Train, trial) {
				return fmt.Errorf("scan: fold %d of %d trains and tests on trial %d", k+1, len(folds), trial)
			}
		}
	}
	for trial, n := range tests {
		if n != 1 {
			return fmt.Errorf("scan: wanted trial %d in the test set of one fold, found it in %d", trial, n)
		}
	}
	return nil
}

// validation is a cross-validation under way.
type validation struct {
	*CrossValidation
	rt   *ort.Runtime
	data Data
	opts Options
	seen blas32.General // what each trial saw, [trials, T·D]
	// heldOut are the figures of each fold so far.
	heldOut []eval.Identification
}

// fold trains and tests one decoder.
func (cv *validation) fold(ctx context.Context, fold Fold) error {
	data := cv.data
	part := data
	part.Voxels, part.Images = matrix.Pick(data.Voxels, fold.Train), take(data.Images, fold.Train)
	model, err := Train(ctx, cv.rt, part, cv.opts)
	if err != nil {
		return err
	}
	decoder, err := model.Open(cv.rt, cv.opts.Session)
	if err != nil {
		return err
	}
	defer decoder.Close()
	predicted, err := decoder.Decode(ctx, matrix.Pick(data.Voxels, fold.Test))
	if err != nil {
		return err
	}
	for i, trial := range fold.Test {
		copy(matrix.Row(cv.Predicted, trial), matrix.Row(predicted, i))
	}
	sim, err := decoder.Compare(ctx, Pairing{SimilarityDecoder, cv.seen, predicted, 1})
	if err != nil {
		return err
	}
	for i, trial := range fold.Test {
		cv.Similarity.SetCol(trial, mat.Col(nil, i, sim))
	}
	cv.Presets = append(cv.Presets, model.Config.Name())
	if err := cv.holdOut(ctx, decoder, fold, predicted); err != nil {
		return err
	}
	return cv.average(ctx, decoder, fold)
}

// holdOut adds the figures of a fold's trials among its held-out images.
func (cv *validation) holdOut(ctx context.Context, decoder *Decoder, fold Fold, predicted blas32.General) error {
	var images, seen []int
	for _, trial := range fold.Test {
		at := slices.Index(images, cv.data.Images[trial])
		if at < 0 {
			at, images = len(images), append(images, cv.data.Images[trial])
		}
		seen = append(seen, at)
	}
	if len(images) < 2 {
		return nil // there is nothing to tell the image from
	}
	sim, err := decoder.Compare(ctx, Pairing{SimilarityDecoder, matrix.Pick(cv.data.Targets, images), predicted, 1})
	if err != nil {
		return err
	}
	found, err := eval.IdentifyTrials(sim, seen)
	cv.heldOut = append(cv.heldOut, found)
	return err
}
