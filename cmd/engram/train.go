package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/embed/bundle"
	"engram/embed/ort"
	"engram/embed/scan"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *console) trainCommand() *cobra.Command {
	var data datasetFlags
	var training trainingFlags
	var out, preset string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a decoder from scans and the images seen",
		Long: "Train learns to map the voxels of one person into the space of a model bundle. The decoder\n" +
			"remembers the bundle, and is used with indexes of the same bundle only.",
		Example: "  engram train --voxels voxels.npy --stimuli stimuli.npy --bundle mobilenetv2 --out decoder\n" +
			"  engram train --voxels betas.nii.gz --mask roi.nii.gz --stimuli photos/ --trials trials.csv --out decoder",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := training.options(a.device)
			if err != nil {
				return err
			}
			opts.Preset = preset
			card, err := a.train(cmd.Context(), data, opts, out)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(card)
			}
			return card.print(a)
		},
	}
	data.add(cmd.Flags())
	training.add(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "`folder` of the decoder (required)")
	cmd.Flags().StringVar(&preset, "preset", scan.PresetCompact, "shape of the decoder: "+strings.Join(scan.Presets(), ", "))
	cmd.Flags().StringVar(&training.checkpoint, "checkpoint", "", "`folder` in which training keeps its state, and from which it goes on")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the decoder's card as JSON")
	for _, required := range []string{"voxels", "out"} {
		_ = cmd.MarkFlagRequired(required) // the flag exists
	}
	return cmd
}

// trainingFlags say how decoders are trained.
type trainingFlags struct {
	epochs, batch int
	lr            float64
	seed          uint64
	checkpoint    string
}

func (f *trainingFlags) add(flags *pflag.FlagSet) {
	flags.IntVar(&f.epochs, "epochs", 0, "how often every trial is seen (0: the preset's own)")
	flags.IntVar(&f.batch, "batch", 0, "trials in one step (0: the preset's own)")
	flags.Float64Var(&f.lr, "lr", 0, "highest learning rate (0: the preset's own)")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of everything random")
}

// options returns the flags as training options, all faults at once.
func (f trainingFlags) options(device string) (scan.Options, error) {
	var faults []error
	if f.epochs < 0 {
		faults = append(faults, fmt.Errorf("--epochs is %d, wanted 1 or more", f.epochs))
	}
	if f.batch < 0 {
		faults = append(faults, fmt.Errorf("--batch is %d trials, wanted 2 or more", f.batch))
	}
	if !(f.lr >= 0) {
		faults = append(faults, fmt.Errorf("--lr is %v, wanted more than 0", f.lr))
	}
	return scan.Options{
		Epochs: f.epochs, Batch: f.batch, LR: f.lr, Seed: f.seed, Checkpoint: f.checkpoint,
		Session: ort.SessionOptions{Device: device},
	}, errors.Join(faults...)
}

// card says what a decoder is and where it comes from.
type card struct {
	Out        string   `json:"out"`
	Preset     string   `json:"preset"`
	Voxels     string   `json:"voxels"`
	Stimuli    string   `json:"stimuli"`
	Trials     int      `json:"trials"`
	VoxelCount int      `json:"voxel_count"`
	Images     int      `json:"images"`
	Bundle     string   `json:"bundle"`
	Tokens     int      `json:"tokens"`
	Dim        int      `json:"dim"`
	Parameters int      `json:"parameters"`
	Epochs     int      `json:"epochs"`
	Loss       *float32 `json:"loss"` // of the last epoch; null for a decoder that is solved, not trained
	Seconds    float64  `json:"seconds"`
}

// train trains a decoder and writes it to the folder out.
func (a *console) train(ctx context.Context, f datasetFlags, opts scan.Options, out string) (_ *card, err error) {
	if err := app.CheckReplaceable(out, bundle.Decoder); err != nil {
		return nil, err
	}
	d, err := a.openDataset(ctx, f)
	if err != nil {
		return nil, err
	}
	// A folder that cannot be made is found now and not after the training.
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	show := a.display()
	defer show.finish()
	opts.Target = d.target()
	opts.Progress = show.report
	start := time.Now()
	model, err := scan.Train(ctx, rt, d.Data, opts)
	if err != nil {
		return nil, err
	}
	c := &card{
		Out: out, Preset: model.Config.Preset, Voxels: f.voxels, Stimuli: f.stimuli + f.targets,
		Trials: d.Voxels.Rows, VoxelCount: d.Voxels.Cols, Images: d.Targets.Rows,
		Bundle: d.target().Name, Tokens: d.T, Dim: d.D,
		Parameters: model.Parameters(), Epochs: len(model.Losses), Seconds: time.Since(start).Seconds(),
	}
	if c.Epochs > 0 {
		c.Loss = &model.Losses[c.Epochs-1]
	}
	return c, model.Save(out)
}

// print writes the card, one fact a line.
func (c *card) print(a *console) error {
	training := "solved in closed form"
	if c.Loss != nil {
		training = fmt.Sprintf("%d epochs, last loss %.4f", c.Epochs, *c.Loss)
	}
	_, err := fmt.Fprintf(a.stdout, "decoder     %s\npreset      %s, %d parameters\ndata        %s: %d trials of %d voxels; %s: %d images\n"+
		"target      %s, %d token(s) of %d elements\ntraining    %s, %.1f s\n",
		c.Out, c.Preset, c.Parameters, c.Voxels, c.Trials, c.VoxelCount, c.Stimuli, c.Images, c.Bundle, c.Tokens, c.Dim, training, c.Seconds)
	return err
}
