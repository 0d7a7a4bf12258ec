package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/progress"

	"github.com/spf13/cobra"
)

func (c *console) studyPicturesCommand() *cobra.Command {
	var spec demo.PictureSpec
	var asJSON bool
	var seeds []uint
	cmd := &cobra.Command{
		Use:   "pictures",
		Short: "Compare ways to reconstruct what the simulated subject saw",
		Long: "Study pictures needs no data: for each seed it has a simulated subject look at scenes of the demo, trains a\n" +
			"decoder, and makes pictures of scenes that it has not seen from the means of three scans. A second CLIP, which\n" +
			"took no part in that, says which kind of thing it sees in each picture, among all kinds, and which of two\n" +
			"scenes is in it. Beside the ways stand the pictures seen, the pictures of their true tokens, the nearest\n" +
			"training picture and the mean training picture. All are training scenes of the demo of the same seed: its\n" +
			"test scenes are not looked at. Nobody was scanned.",
		Example: "  engram pretrain --model judge --out models\n  engram study pictures --judge models/judge\n" +
			"  engram study pictures --judge models/judge --seeds 1,2,3 --candidates 4 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for name, n := range map[string]int{"candidates": spec.Candidates, "steps": spec.Steps} {
				if n < 1 {
					return fmt.Errorf("--%s is %d, wanted 1 or more", name, n)
				}
			}
			for _, seed := range seeds {
				spec.Seeds = append(spec.Seeds, uint64(seed))
			}
			rows, err := show(cmd.Context(), c, studyPictures(c.app()), spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(rows)
			}
			return printPictures(c.stdout, rows)
		},
	}
	flags := cmd.Flags()
	flags.UintSliceVar(&seeds, "seeds", []uint{101}, "seeds of the scenes and their subjects")
	flags.IntVar(&spec.Images, "images", 2000, "training images, each seen three times")
	flags.IntVar(&spec.Test, "test", 100, "images to reconstruct")
	flags.IntVar(&spec.Voxels, "voxels", 4000, "voxels of the subject")
	flags.StringVar(&spec.Judge, "judge", "", "`model` that judges, as of engram pretrain --model judge (required)")
	flags.IntVar(&spec.Candidates, "candidates", 1, "pictures made of each scan, of which the best is kept")
	flags.IntVar(&spec.Steps, "steps", 20, "steps of the sampler")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("judge") // the flag exists
	return cmd
}

// studyPictures is demo.StudyPictures as an operation.
func studyPictures(a *app.App) operation[demo.PictureSpec, []demo.PictureScore] {
	return func(ctx context.Context, spec demo.PictureSpec, watch progress.Func) ([]demo.PictureScore, error) {
		return demo.StudyPictures(ctx, a, spec, watch)
	}
}

// printPictures writes the scores as a table for people.
func printPictures(w io.Writer, rows []demo.PictureScore) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "seed\tpictures\tthe thing is named (95 %)\tPixCorr\tSSIM\ttwo-way\ttwo-way, same background")
	for _, r := range rows {
		fmt.Fprintf(table, "%d\t%s\t%s\t%.3f\t%.3f\t%.1f %%\t%.1f %%\n",
			r.Seed, r.Pictures, r.Named, r.PixCorr, r.SSIM, 100*r.TwoWay, 100*r.SameBackground)
	}
	return table.Flush()
}
