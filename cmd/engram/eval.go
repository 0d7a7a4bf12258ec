package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/data/npy"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/scan"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

func (a *console) evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Score decoders by two-way identification and retrieval",
		Long: "Eval cross-validates presets (all trials of an image are held out together) or, with --decoder,\n" +
			"scores a trained decoder on scans that it was not trained on. Images and predictions are compared\n" +
			"by Pearson's r less the mean of the training images. Two-way: how often the right image is more\n" +
			"similar than another. Image retrieval: a scan asks for its image. Brain retrieval: the reverse.",
		Example: "  engram eval --voxels voxels.npy --stimuli stimuli.npy --bundle mobilenetv2 --presets linear,compact\n" +
			"  engram eval --voxels test.npy --stimuli test/ --bundle mobilenetv2 --decoder decoder --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := a.eval(cmd.Context(), f)
			if err != nil {
				return err
			}
			if f.json {
				return a.printJSON(map[string]any{"scores": list})
			}
			return a.printScores(list)
		},
	}
	flags := cmd.Flags()
	f.data.add(flags)
	f.training.add(flags)
	flags.StringSliceVar(&f.presets, "presets", []string{scan.PresetLinear, scan.PresetCompact}, "presets to cross-validate")
	flags.IntVar(&f.folds, "folds", 10, "parts into which the images are divided")
	flags.StringVar(&f.decoder, "decoder", "", "score the decoder in this `folder` instead")
	flags.StringVar(&f.predictions, "predictions", "", "write the predicted tokens to this .npy `file`: [trials, T, D] (of one preset)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("voxels") // the flag exists
	cmd.MarkFlagsMutuallyExclusive("decoder", "presets")
	cmd.MarkFlagsMutuallyExclusive("decoder", "folds")
	return cmd
}

// evalFlags are the flags of eval.
type evalFlags struct {
	data                 datasetFlags
	training             trainingFlags
	presets              []string
	folds                int
	decoder, predictions string
	json                 bool
}

// score is one line of the table.
type score struct {
	Decoder   string  `json:"decoder"`
	Trials    int     `json:"trials"`
	TwoWay    float64 `json:"two_way"`    // chance .5
	ImageTop1 float64 `json:"image_top1"` // chance as below
	ImageTop5 float64 `json:"image_top5"` // chance five times that
	BrainTop1 float64 `json:"brain_top1"`
	Chance    float64 `json:"chance"` // of top 1
	Seconds   float64 `json:"seconds"`
}

// eval scores what the flags ask for.
func (a *console) eval(ctx context.Context, f evalFlags) (_ []score, err error) {
	opts, err := f.training.options(a.device)
	if err != nil {
		return nil, err
	}
	if f.predictions != "" && f.decoder == "" && len(f.presets) != 1 {
		return nil, fmt.Errorf("--predictions takes those of one preset, --presets names %d", len(f.presets))
	}
	if len(f.presets) == 0 {
		return nil, errors.New("--presets names none")
	}
	if _, err := os.Stat(filepath.Dir(f.predictions)); err != nil {
		return nil, fmt.Errorf("--predictions: %w", err)
	}
	d, err := a.openDataset(ctx, f.data)
	if err != nil {
		return nil, err
	}
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	opts.Target = d.target()
	if f.decoder != "" {
		s, err := a.scoreDecoder(ctx, rt, d, f)
		return []score{s}, err
	}
	var list []score
	for _, preset := range f.presets {
		opts.Preset = preset
		s, err := a.crossValidate(ctx, rt, d, opts, f)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// crossValidate scores one preset.
func (a *console) crossValidate(ctx context.Context, rt *ort.Runtime, d *trainingData, opts scan.Options, f evalFlags) (score, error) {
	folds, err := scan.KFoldByImage(d.Images, f.folds, f.training.seed)
	if err != nil {
		return score{}, err
	}
	show := a.display()
	defer show.finish()
	opts.Progress = show.report
	start := time.Now()
	cv, err := scan.CrossValidate(ctx, rt, d.Data, opts, folds)
	if err != nil {
		return score{}, err
	}
	seconds := time.Since(start).Seconds()
	if err := writePredictions(f.predictions, cv.Predicted, d); err != nil {
		return score{}, err
	}
	return newScore(opts.Preset, cv.Similarity, seconds)
}

// scoreDecoder scores a trained decoder.
func (a *console) scoreDecoder(ctx context.Context, rt *ort.Runtime, d *trainingData, f evalFlags) (_ score, err error) {
	start := time.Now()
	decoder, err := scan.Open(rt, f.decoder, ort.SessionOptions{Device: a.device})
	if err != nil {
		return score{}, err
	}
	defer closeInto(&err, decoder)
	if target := decoder.Config().Target; !target.Same(d.target()) {
		return score{}, fmt.Errorf("the decoder %s predicts the space of %s, --bundle is %s", f.decoder, target.Name, app.Label(d.bundle))
	}
	predicted, err := decoder.Decode(ctx, d.Voxels)
	if err != nil {
		return score{}, err
	}
	if err := writePredictions(f.predictions, predicted, d); err != nil {
		return score{}, err
	}
	seen := blas32.General{Rows: len(d.Images), Cols: d.Targets.Cols, Stride: d.Targets.Cols}
	for _, i := range d.Images {
		seen.Data = append(seen.Data, d.Targets.Data[i*d.Targets.Stride:][:d.Targets.Cols]...)
	}
	sim, err := eval.Compare(ctx, seen, predicted, decoder.TargetMean())
	if err != nil {
		return score{}, err
	}
	return newScore(f.decoder, sim, time.Since(start).Seconds())
}

// newScore computes the figures from the similarity of what each trial saw,
// the rows, with what was predicted from each, the columns.
func newScore(name string, sim *mat.Dense, seconds float64) (score, error) {
	found, err := eval.Identify(sim)
	return score{
		Decoder: name, Trials: found.Predictions, TwoWay: found.TwoWay, ImageTop1: found.ImageTop1,
		ImageTop5: found.ImageTop5, BrainTop1: found.BrainTop1, Chance: found.Chance, Seconds: seconds,
	}, err
}

// writePredictions writes predicted tokens to a .npy file, if there is a name.
func writePredictions(path string, predicted blas32.General, d *trainingData) error {
	if path == "" {
		return nil
	}
	return npy.WriteFile(path, []int{predicted.Rows, d.T, d.D}, predicted.Data)
}

// printScores prints the table.
func (a *console) printScores(list []score) error {
	table := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join([]string{"decoder", "trials", "two-way", "image top-1", "image top-5", "brain top-1", "chance top-1", "seconds"}, "\t"))
	for _, s := range list {
		fmt.Fprintf(table, "%s\t%d\t%.4f\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\n",
			s.Decoder, s.Trials, s.TwoWay, s.ImageTop1, s.ImageTop5, s.BrainTop1, s.Chance, s.Seconds)
	}
	return table.Flush()
}
