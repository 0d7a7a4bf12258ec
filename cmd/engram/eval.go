package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/embed/eval"
	"engram/embed/scan"

	"github.com/spf13/cobra"
)

func (c *console) evalCommand() *cobra.Command {
	var spec app.EvalSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Score decoders by two-way identification and retrieval",
		Long: "Eval cross-validates presets (all trials of an image are held out together) or, with --decoder,\n" +
			"scores a trained decoder on scans that it was not trained on. With --mindeye, presets are trained\n" +
			"on the training images, and decoders are scored on the mean scans of the test images. Images and\n" +
			"predictions are compared by Pearson's r less the mean of the training images. Two-way: how often\n" +
			"the right image is more similar than another. Image retrieval: a scan asks for its image. Brain\n" +
			"retrieval: the reverse.\n" +
			"\n" +
			"The first table scores every scan, the candidates being images. The second table chooses among images by mean scans of 1, 2, 3 and all trials of an image, with\n" +
			"Wilson's 95 % interval. From 300 images on, the published score follows: top 1 of 300, mean of 30\n" +
			"draws. Where images were seen several times, the last lines say what the noise allows at best.",
		Example: "  engram eval --voxels voxels.npy --stimuli stimuli.npy --model mobilenetv2 --presets linear,compact\n" +
			"  engram eval --voxels test.npy --stimuli test/ --model mobilenetv2 --decoder decoder --json\n" +
			"  engram eval --voxels test.npy --stimuli test/ --decoder decoder --gallery-index photos.index\n" +
			"  engram eval --mindeye webdataset_avg_split --subject 1 --model clip-vit-l-14 --decoder decoder --gallery 50,300,982",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTraining(spec.Training); err != nil {
				return err
			}
			scores, err := show(cmd.Context(), c, c.app().Eval, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(scores)
			}
			return printScores(c.stdout, scores)
		},
	}
	addDatasetFlags(cmd, &spec.Data)
	flags := cmd.Flags()
	addTrainingFlags(flags, &spec.Training)
	flags.StringSliceVar(&spec.Presets, "presets", []string{scan.PresetLinear, scan.PresetCompact}, "presets to cross-validate")
	flags.IntVar(&spec.Folds, "folds", 10, "parts into which the images are divided")
	flags.StringVar(&spec.Decoder, "decoder", "", "score the decoder in this `folder` instead")
	flags.IntSliceVar(&spec.Gallery, "gallery", nil, "numbers of images to choose among (default 300, 1000, 10000 where there are more, and all)")
	flags.StringVar(&spec.GalleryIndex, "gallery-index", "", "choose among all images of this `index` or folder too, as a search by scan does (with --decoder or --mindeye)")
	flags.StringVar(&spec.Predictions, "predictions", "", "write the predicted tokens to this .npy `file`: [trials, T, D] (of one preset)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("decoder", "presets")
	cmd.MarkFlagsMutuallyExclusive("decoder", "folds")
	cmd.MarkFlagsMutuallyExclusive("mindeye", "folds")
	return cmd
}

// printScores prints all that is known of decoders.
func printScores(w io.Writer, s *app.Scores) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join([]string{"decoder", "trials", "two-way", "image top-1", "image top-5", "brain top-1", "chance top-1", "seconds"}, "\t"))
	for _, s := range s.Scores {
		fmt.Fprintf(table, "%s\t%d\t%.4f\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\n",
			s.Decoder, s.Trials, s.TwoWay, s.ImageTop1, s.ImageTop5, s.BrainTop1, s.Chance, s.Seconds)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(table, strings.Join([]string{"decoder", "repeats", "gallery", "image top-1 (95 %)", "image top-5 (95 %)", "image top-10 (95 %)", "chance top-1"}, "\t"))
	for _, g := range s.Galleries {
		size := strconv.Itoa(g.Size)
		if g.Index != "" {
			size += " of " + filepath.Base(g.Index)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%.2f %%\n", g.Decoder, g.Repeats, size, g.Top1, g.Top5, g.Top10, 100*g.Chance)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if s.Published == nil {
		fmt.Fprintf(w, "top-1 of %d    not drawn: %d images were seen\n", eval.PublishedGallery, s.Images)
	}
	for _, p := range s.Published {
		fmt.Fprintf(w, "top-1 of %d    %s, %d repeats, mean of 30 draws: image %s, brain %s\n", eval.PublishedGallery, p.Decoder, p.Repeats, p.Image, p.Brain)
	}
	if err := printCeiling(w, s); err != nil {
		return err
	}
	if s.CrossValidated {
		fmt.Fprintln(w, "candidates      all images seen, with those that each fold's decoder was trained on")
	}
	if s.Gallery != "" {
		fmt.Fprintf(w, "gallery         %s\n", s.Gallery)
	}
	_, err := fmt.Fprintf(w, "data            %s\nmatched         %s\n", s.Recording, s.Seen)
	return err
}

// printCeiling prints what the noise of the scans allows at best.
func printCeiling(w io.Writer, s *app.Scores) error {
	c := s.Ceiling
	if c == nil {
		_, err := fmt.Fprintf(w, "noise ceiling   not known: %s\n", s.NoCeiling)
		return err
	}
	_, err := fmt.Fprintf(w, "noise ceiling   median of %d voxels, %d images × %d repeats: ncsnr %.3f; explainable variance %.1f %% of a trial, %.1f %% of the mean\n"+
		"split half      median r %.3f, by Spearman–Brown %.3f for the mean of %d\n",
		c.Voxels, c.Images, c.Repeats, c.NCSNR, 100*c.Single, 100*c.Mean, c.SplitHalf, c.SpearmanBrown, c.Repeats)
	return err
}
