package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/recon/diffusion"
	"engram/recon/prior"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const reconstructHelp = "Reconstruct makes pictures of what was seen from scans. The decoder predicts the tokens of a CLIP; the\n" +
	"prior takes them to tokens as images have them; the denoiser draws a few candidates that fit these; the\n" +
	"one whose own tokens, to the same CLIP, are nearest to the predicted ones is kept. Without --stimuli,\n" +
	"--targets or --mindeye nobody knows what was seen: every row of --voxels is a scan, or the rows of --row\n" +
	"are the repeats of one. With them the trials of an image are averaged, and pictures are scored beside\n" +
	"what was seen.\n\n" +
	"--out gets a PNG for each scan in reconstructed, and beside it, where they are known or wanted, in seen,\n" +
	"start, blurry, nearest, true and candidates; contact sheets; scores.json; scans/NAME.json with the cosines of the\n" +
	"candidates; and choices.json with everything that pictures depend on. A run that was broken off, whatever\n" +
	"by, goes on where it was."

const reconstructExamples = "  engram reconstruct --voxels scan.npy --decoder decoder --out pictures\n" +
	"  engram reconstruct --voxels scans.npy --row 4,9,17 --decoder decoder --out pictures --preview now.png\n" +
	"  engram reconstruct --voxels test.npy --stimuli test/ --trials trials.csv --decoder decoder --index photos.index --true --out pictures\n" +
	"  engram reconstruct --voxels test.npy --stimuli test/ --decoder decoder --index photos.index --start retrieved --strength .7 --method unipc --steps 10 --out begun\n" +
	"  engram reconstruct --voxels test.npy --stimuli test/ --decoder decoder --start blurry --out begun-blurry"

func (c *console) reconstructCommand() *cobra.Command {
	var spec app.ReconstructionsSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "reconstruct",
		Short:   "Make pictures of what was seen from scans",
		Long:    reconstructHelp,
		Example: reconstructExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkReconstruction(cmd.Flags(), &spec); err != nil {
				return err
			}
			made, err := show(cmd.Context(), c, c.app().Reconstructions, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(made)
			}
			return c.printReconstructed(made)
		},
	}
	addDatasetFlags(cmd, &spec.Data)
	addReconstructionFlags(cmd, &spec)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return cmd
}

// addReconstructionFlags adds the flags that say how pictures are made.
func addReconstructionFlags(cmd *cobra.Command, spec *app.ReconstructionsSpec) {
	flags := cmd.Flags()
	flags.Lookup("model").Usage = modelHelp + " (default " + app.ScenesCLIP + ", the demo's)"
	flags.IntSliceVar(&spec.Rows, "row", nil, "row of --voxels, from 0; several are the repeats of one scan")
	flags.StringVar(&spec.Decoder, "decoder", "", "`folder` of the decoder of scans (required)")
	flags.StringVar(&spec.Out, "out", "", "`folder` of the pictures, new or made by an earlier run (required)")
	flags.StringVar(&spec.Autoencoder, "autoencoder", "", "`name` or folder of the model of kind vae (default "+app.ScenesAutoencoder+")")
	flags.StringVar(&spec.Denoiser, "denoiser", "", "`name` or folder of the model of kind denoiser (default "+app.ScenesDenoiser+")")
	flags.StringVar(&spec.Index, "index", "", "show the nearest image of this `index` too, which was built with --model")
	flags.StringVar(&spec.ImagesRoot, "images-root", "", "`folder` where the images of --index are now, if they have moved since it was built")
	flags.StringVar(&spec.Prior, "prior", "", "how predicted tokens become tokens as images have them: "+strings.Join(prior.Kinds(), ", ")+" (default: the best one that the decoder has)")
	flags.StringVar(&spec.Start, "start", "", "begin from images: blurry, of the low-level model; retrieved (or nearest), of --index; or a `folder` with NAME.png for each scan (default noise)")
	flags.StringVar(&spec.LowLevel, "low-level", "", "`folder` of the low-level model (default: the one that engram train --low-level writes beside the decoder)")
	flags.Float64Var(&spec.Strength, "strength", 0, "share of the steps that is taken from --start, above 0 and up to 1 (default 0.85)")
	flags.Float64Var(&spec.Blend, "blend", 0, "weight of the blurry image in the picture, 0 to 1: pixels come nearer to what was seen, and things are harder to name")
	flags.BoolVar(&spec.True, "true", false, "make pictures of the tokens of what was seen, too: what a perfect decoder would reach")
	flags.StringArrayVar(&spec.Features, "features", nil, "score pictures by this `model` of kind features or clip: two-way identification and distance (several times: several)")
	flags.IntVar(&spec.Side, "score-side", 0, "pixels per side to which pictures are resized for PixCorr and SSIM (default: as large as they are made; published figures have 425)")
	flags.IntVar(&spec.Steps, "steps", 0, "steps from noise to a picture (default: the denoiser's own, or 20)")
	flags.StringVar((*string)(&spec.Method), "method", "", fmt.Sprintf("solver of these steps: one of %q (default: the denoiser's own, or ddim)", diffusion.Methods()))
	flags.BoolVar(&spec.Karras, "karras", false, "space the noise of the steps as Karras et al. do; not with ddim")
	flags.Float64Var(&spec.Guidance, "guidance", 0, "weight of the tokens: 1 takes the denoiser at its word (default: the denoiser's own, or 1.5)")
	flags.IntVar(&spec.Candidates, "candidates", 0, "pictures that the best is chosen from (default 4)")
	flags.IntVar(&spec.Batch, "batch", 0, "pictures in one run of a model (default 16)")
	flags.Uint64Var(&spec.Seed, "seed", 0, "seed of the noise that pictures begin as")
	flags.StringVar(&spec.Preview, "preview", "", "show what is being made in this PNG `file`, every five steps")
	_ = cmd.MarkFlagRequired("decoder") // the flags exist
	_ = cmd.MarkFlagRequired("out")
	cmd.MarkFlagsMutuallyExclusive("row", "mindeye")
}

// checkReconstruction refuses numbers that cannot be followed. 0 is the default where
// a flag is not given, and else none.
func checkReconstruction(flags *pflag.FlagSet, spec *app.ReconstructionsSpec) error {
	for _, n := range []struct {
		name  string
		value int
	}{{"steps", spec.Steps}, {"candidates", spec.Candidates}, {"batch", spec.Batch}, {"score-side", spec.Side}} {
		if flags.Changed(n.name) && n.value < 1 {
			return fmt.Errorf("--%s is %d, wanted 1 or more", n.name, n.value)
		}
	}
	if flags.Changed("strength") && !(spec.Strength > 0 && spec.Strength <= 1) {
		return fmt.Errorf("--strength is %v, wanted a number above 0 and up to 1", spec.Strength)
	}
	if flags.Changed("guidance") && !(spec.Guidance > 0) {
		return fmt.Errorf("--guidance is %v, wanted a number above 0", spec.Guidance)
	}
	return nil
}

// printReconstructed prints what was made.
func (c *console) printReconstructed(r *app.Reconstructed) error {
	fmt.Fprintf(c.stdout, "scans %d (%d there before), pictures in %s\nsheets %s\n", r.Scans, r.Scans-r.Made, r.Out, strings.Join(r.Sheets, ", "))
	if len(r.Scores) == 0 {
		return nil
	}
	fmt.Fprintln(c.stdout)
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprint(table, "pictures\tPixCorr\t95 %\tSSIM\t95 %")
	for _, f := range r.Scores[0].Features {
		fmt.Fprintf(table, "\t%s two-way\tdistance", f.Model)
	}
	fmt.Fprintln(table)
	for _, s := range r.Scores {
		fmt.Fprintf(table, "%s\t%.3f\t%.3f–%.3f\t%.3f\t%.3f–%.3f", s.Pictures, s.PixCorr.Mean, s.PixCorr.Low, s.PixCorr.High, s.SSIM.Mean, s.SSIM.Low, s.SSIM.High)
		for _, f := range s.Features {
			fmt.Fprintf(table, "\t%.1f %%\t%.3f", 100*f.TwoWay, f.Distance)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
