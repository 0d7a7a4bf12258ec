package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/scan"
	"engram/recon/lowlevel"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) trainCommand() *cobra.Command {
	var spec app.TrainSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a decoder from scans and the images seen",
		Long: "Train learns to map the voxels of one person into the space of a model. The decoder\n" +
			"remembers the model, and is used with indexes of the same model only. Beside it lies what a\n" +
			"reconstruction needs: the alignment of its predictions, with --low-level a model that predicts\n" +
			"the autoencoder's latent, a blurry image of what was seen, with --captions a model that reads\n" +
			"captions from scans, and with --prior a diffusion prior.",
		Example: "  engram train --voxels voxels.npy --stimuli stimuli.npy --model clip-vit-b-32 --out decoder\n" +
			"  engram train --voxels betas.nii.gz --mask roi.nii.gz --stimuli photos/ --trials trials.csv --out decoder\n" +
			"  engram train --mindeye webdataset_avg_split --subject 1 --model clip-vit-l-14 --out decoder",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTraining(spec.Training); err != nil {
				return err
			}
			card, err := show(cmd.Context(), c, c.app().Train, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(card)
			}
			return printCard(c.stdout, card)
		},
	}
	addDatasetFlags(cmd, &spec.Data)
	addTrainingFlags(cmd.Flags(), &spec.Training)
	cmd.Flags().StringVar(&spec.Out, "out", "", "`folder` of the decoder (required)")
	cmd.Flags().StringVar(&spec.Preset, "preset", scan.PresetAuto, "shape of the decoder: "+strings.Join(scan.Presets(), ", "))
	cmd.Flags().BoolVar(&spec.LowLevel, "low-level", false, "train a low-level model beside the decoder, from which engram reconstruct --start blurry begins")
	cmd.Flags().StringVar(&spec.LowLevelKind, "low-level-kind", "", "how the low-level model predicts: "+strings.Join(lowlevel.Kinds(), ", ")+" (default "+lowlevel.Kinds()[0]+")")
	cmd.Flags().StringVar(&spec.Captions, "captions", "", "train a caption model beside the decoder from a table `file` with the columns image and caption, which engram reconstruct --prior caption uses")
	cmd.Flags().BoolVar(&spec.DiffusionPrior, "prior", false, "train a diffusion prior beside the decoder, which engram reconstruct --prior transformer uses")
	cmd.Flags().StringVar(&spec.Autoencoder, "autoencoder", "", "`name` or folder of the model of kind vae whose latents the low-level model predicts (default "+app.ScenesAutoencoder+")")
	cmd.Flags().StringVar(&spec.Checkpoint, "checkpoint", "", "`folder` in which training keeps its state, and from which it goes on")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the decoder's card as JSON")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// addTrainingFlags adds the flags that say how decoders are trained.
func addTrainingFlags(flags *pflag.FlagSet, t *app.Training) {
	flags.IntVar(&t.Epochs, "epochs", 0, "how often every trial is seen (0: the preset's own)")
	flags.IntVar(&t.Batch, "batch", 0, "trials in one step (0: the preset's own)")
	flags.Float64Var(&t.LR, "lr", 0, "highest learning rate (0: the preset's own)")
	flags.Uint64Var(&t.Seed, "seed", 0, "seed of everything random")
}

// checkTraining tells all faults of the flags at once.
func checkTraining(t app.Training) error {
	var faults []error
	if t.Epochs < 0 {
		faults = append(faults, fmt.Errorf("--epochs is %d, wanted 1 or more", t.Epochs))
	}
	if t.Batch < 0 {
		faults = append(faults, fmt.Errorf("--batch is %d trials, wanted 2 or more", t.Batch))
	}
	if !(t.LR >= 0) {
		faults = append(faults, fmt.Errorf("--lr is %v, wanted more than 0", t.LR))
	}
	return errors.Join(faults...)
}

// printCard writes the card of a decoder, one fact a line.
func printCard(w io.Writer, c *app.Card) error {
	training := "solved in closed form"
	if c.Loss != nil {
		training = fmt.Sprintf("%d epochs, last loss %.4f", c.Epochs, *c.Loss)
	}
	data := c.Scans
	if data == "" {
		data = fmt.Sprintf("%s; %s: %d images", c.Recording, c.Stimuli, c.Images)
	}
	preset := fmt.Sprintf("%s, %d parameters", c.Preset, c.Parameters)
	if c.Chosen != "" {
		preset += "\nchosen      " + strings.ReplaceAll(c.Chosen, "; ", "\n            ")
	}
	beside := ""
	if c.LowLevel != "" {
		beside = "low level   " + c.LowLevel + "\n"
	}
	if c.Captions != "" {
		beside += "captions    " + c.Captions + "\n"
	}
	if c.Prior != "" {
		beside += fmt.Sprintf("prior       %s, %.3f of the prediction's error is left on held-out pairs\n", c.Prior, c.PriorMissed)
	}
	_, err := fmt.Fprintf(w, "decoder     %s\npreset      %s\ndata        %s\nmatched     %s\n"+
		"target      %s, %d token(s) of %d elements\ntraining    %s, %.1f s\n%s",
		c.Out, preset, data, c.Seen, c.Model, c.Tokens, c.Dim, training, c.Seconds, beside)
	return err
}
