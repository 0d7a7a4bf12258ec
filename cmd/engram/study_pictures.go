package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/progress"
	"engram/embed/eval"
	"engram/recon/diffusion"
	"engram/recon/lowlevel"
	"engram/recon/prior"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) studyPicturesCommand() *cobra.Command {
	var spec demo.PictureSpec
	var asJSON bool
	var seeds []uint
	var clouds string
	cmd := &cobra.Command{
		Use:   "pictures",
		Short: "Compare ways to reconstruct what the simulated subject saw",
		Long: "Study pictures needs no data: for each seed it has a simulated subject look at scenes of the demo, trains a\n" +
			"decoder, and makes pictures of scenes that it has not seen from the means of three scans. A second CLIP, which\n" +
			"took no part in that, says which kind of thing it sees in each picture, among all kinds, and which of two\n" +
			"scenes is in it. Every prior is combined with every start and every number of candidates. Beside them stand\n" +
			"the pictures seen, the pictures of their true tokens, the blurry image, the nearest training picture and\n" +
			"the mean training picture. A second table has how far the tokens that a prior makes lie from the true ones:\n" +
			"the distance between the two clouds (0 to 1), and between pairs (1: as far as two images are apart). The\n" +
			"rows of all seeds are means over all pictures, with 95 % intervals. All are training scenes of the demo of the same seed: its\n" +
			"test scenes are not looked at. Nobody was scanned.",
		Example: "  engram study pictures\n" +
			"  engram study pictures --seeds 101,102,103 --priors none,linear,recall --starts noise,blurry,retrieved --best 1,4,16\n" +
			"  engram study pictures --denoiser scenes-denoiser --denoiser models/denoiser --clouds clouds.svg",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPictures(cmd.Flags(), &spec, clouds); err != nil {
				return err
			}
			for _, seed := range seeds {
				spec.Seeds = append(spec.Seeds, uint64(seed))
			}
			found, err := show(cmd.Context(), c, studyPictures(c.app()), spec)
			if err != nil {
				return err
			}
			if clouds != "" {
				if err := demo.PlotClouds(clouds, found.Clouds); err != nil {
					return err
				}
			}
			if asJSON {
				return c.printJSON(found)
			}
			return printPictures(c.stdout, found)
		},
	}
	flags := cmd.Flags()
	flags.UintSliceVar(&seeds, "seeds", []uint{101}, "seeds of the scenes and their subjects")
	flags.IntVar(&spec.Images, "images", 2000, "training images, each seen three times")
	flags.IntVar(&spec.Test, "test", 100, "images to reconstruct")
	flags.IntVar(&spec.Voxels, "voxels", 4000, "voxels of the subject")
	flags.StringVar(&spec.Judge, "judge", app.ScenesJudge, "`model` that judges, as of engram pretrain --model judge")
	flags.StringArrayVar(&spec.Denoisers, "denoiser", nil, "`name` or folder of the model of kind denoiser (several times: all are compared; default "+app.ScenesDenoiser+")")
	flags.StringVar((*string)(&spec.Method), "method", "", fmt.Sprintf("solver: one of %q (default: the denoiser's own, or ddim)", diffusion.Methods()))
	flags.StringSliceVar(&spec.Priors, "priors", []string{prior.None, prior.LinearKind, prior.RecallKind, prior.CaptionKind}, "priors that are compared: "+strings.Join(prior.Kinds(), ", "))
	flags.StringVar(&spec.LowLevel, "low-level-kind", lowlevel.Kinds()[0], "what predicts the blurry image: "+strings.Join(lowlevel.Kinds(), ", "))
	flags.StringSliceVar(&spec.Starts, "starts", []string{app.StartNoise}, "what pictures begin from: noise, blurry, retrieved")
	flags.IntSliceVar(&spec.Best, "best", []int{1}, "the best of so many candidates is kept; several numbers are compared")
	flags.Float64SliceVar(&spec.Blends, "blends", nil, "weights of the blurry image in the pictures, 0 to 1; several numbers are compared")
	flags.Float64Var(&spec.Strength, "strength", 0, "share of the steps that is taken from a start that is not noise (default 0.85)")
	flags.StringVar(&clouds, "clouds", "", "plot the tokens that each prior makes beside the true ones into this SVG `file`")
	flags.Float64Var(&spec.Guidance, "guidance", 0, "weight of the tokens (default: the denoiser's own, or 1.5)")
	flags.IntVar(&spec.Steps, "steps", 20, "steps of the sampler")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkPictures refuses, before anything is trained, flags that cannot be followed or would do
// nothing.
func checkPictures(flags *pflag.FlagSet, spec *demo.PictureSpec, clouds string) error {
	begun := slices.ContainsFunc(spec.Starts, func(start string) bool { return start != app.StartNoise })
	switch {
	case spec.Steps < 1:
		return fmt.Errorf("--steps is %d, wanted 1 or more", spec.Steps)
	case spec.Voxels < 1:
		return fmt.Errorf("--voxels is %d, wanted 1 or more", spec.Voxels)
	case flags.Changed("strength") && !(spec.Strength > 0 && spec.Strength <= 1):
		return fmt.Errorf("--strength is %v, wanted a number above 0 and up to 1", spec.Strength)
	case flags.Changed("strength") && !begun:
		return errors.New("--strength needs --starts blurry or retrieved: it says how much of the way is gone from an image")
	case flags.Changed("guidance") && !(spec.Guidance > 0):
		return fmt.Errorf("--guidance is %v, wanted a number above 0", spec.Guidance)
	case spec.Method != "" && !slices.Contains(diffusion.Methods(), spec.Method):
		return fmt.Errorf("--method is %q, wanted one of %q", spec.Method, diffusion.Methods())
	}
	return app.CheckFolderOf("--clouds", clouds)
}

// studyPictures is demo.StudyPictures as an operation.
func studyPictures(a *app.App) operation[demo.PictureSpec, *demo.PictureStudy] {
	return func(ctx context.Context, spec demo.PictureSpec, watch progress.Func) (*demo.PictureStudy, error) {
		return demo.StudyPictures(ctx, a, spec, watch)
	}
}

// printPictures writes the scores as a table for people.
func printPictures(w io.Writer, found *demo.PictureStudy) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "seed\tpictures\tthe thing is named (95 %)\tPixCorr\tSSIM\ttwo-way\ttwo-way, same background")
	for _, r := range found.Pictures {
		printPicture(table, fmt.Sprint(r.Seed), r)
	}
	for _, r := range found.All {
		printPicture(table, "all", r)
	}
	fmt.Fprintln(table, "\nseed\tprior\tdistance of the clouds\tof the pairs")
	for _, cloud := range found.Clouds {
		fmt.Fprintf(table, "%d\t%s\t%.3f\t%.3f\n", cloud.Seed, cloud.Prior, cloud.Distance, cloud.Pairs)
	}
	return table.Flush()
}

// printPicture writes a row of the table.
func printPicture(w io.Writer, seed string, r demo.PictureScore) {
	decimals := func(i eval.Interval) string { return fmt.Sprintf("%.3f (%.3f–%.3f)", i.Mean, i.Low, i.High) }
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", seed, r.Pictures, r.Named, decimals(r.PixCorr), decimals(r.SSIM), r.TwoWay, r.SameBackground)
}
