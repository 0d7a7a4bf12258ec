package main

import (
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/embed/scan"
	"engram/embed/scan/study"

	"github.com/spf13/cobra"
)

func (c *console) studyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "study",
		Short: "Compare ways to decode, to choose among them",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(c.studyDecoderCommand(), c.studyAblationCommand(), c.studyAreasCommand(), c.studyPicturesCommand())
	return cmd
}

func (c *console) studyDecoderCommand() *cobra.Command {
	var spec app.StudySpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "decoder",
		Short: "Compare presets over noise, numbers of training images and seeds",
		Long: "Study decoder draws, for each seed, test images and training images from the images seen, trains\n" +
			"every preset on the same trials, and lets it identify the test images among each other, from single\n" +
			"scans and from the means of all scans of an image. Noise above 1 is added to the scans, with the\n" +
			"covariance that the scans' own noise has. What is done is kept in --out: a study that was interrupted\n" +
			"goes on, and one with more levels or seeds computes what is new. The table has means over seeds with\n" +
			"95 % intervals of Student's t, and paired differences from one preset.",
		Example: "  engram study decoder --voxels voxels.npy --targets clip.npy --model clip --trials trials.csv --out study\n" +
			"  engram study decoder --voxels voxels.npy --stimuli photos/ --trials trials.csv --images 84,250 --noise 1,2 --seeds 3 --out study --csv study.csv",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSeeds(spec); err != nil {
				return err
			}
			found, err := show(cmd.Context(), c, c.app().Study, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(found)
			}
			if err := study.Print(c.stdout, found.Rows, spec.Design.Base); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "\ndata            %s\nmatched         %s\n", found.Recording, found.Seen)
			return err
		},
	}
	addStudyFlags(cmd, &spec)
	cmd.Flags().StringSliceVar(&spec.Design.Presets, "presets", studyPresets(), "presets to compare, with a loss behind a colon or without")
	cmd.Flags().StringVar(&spec.Design.Base, "against", scan.PresetLinear, "preset that differences are taken from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) studyAblationCommand() *cobra.Command {
	var spec app.StudySpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ablation",
		Short: "Compare the parts of a decoder, with paired tests",
		Long: "Study ablation trains the ridge, what is put behind it (whitening, gains, the likelihood), networks by\n" +
			"each loss, and refinements of the closed forms on the same trials, and lets them identify the same test\n" +
			"images as study decoder does. Rows have the share of scans that find their image first, with Wilson's\n" +
			"interval, and its mean over seeds, or over subjects, with Student's interval. Each row is compared with\n" +
			"the row above and with the best one on the same scans: the difference with its bootstrap interval, p of\n" +
			"McNemar's exact test, and p of two-way identification by flips of signs, both adjusted by Holm's method.\n" +
			"What is done is kept in --out: an ablation that was interrupted goes on.",
		Example: "  engram study ablation --voxels voxels.npy --targets clip.npy --model clip --trials trials.csv --out ablation\n" +
			"  engram study ablation --voxels sub-{subject}.npy --stimuli photos/ --trials sub-{subject}.csv --subjects 1,2,5 --images 1000 --noise 1 --out ablation",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSeeds(spec); err != nil {
				return err
			}
			found, err := show(cmd.Context(), c, c.app().Ablation, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(found)
			}
			if err := study.PrintAblation(c.stdout, found.Ablation); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "\ndata            %s\nmatched         %s\n", found.Recording, found.Seen)
			return err
		},
	}
	addStudyFlags(cmd, &spec)
	cmd.Flags().StringSliceVar(&spec.Design.Presets, "presets", study.AblationPresets(), "rows: presets, with a loss behind a colon or without")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func checkSeeds(spec app.StudySpec) error {
	if spec.Seeds < 1 {
		return fmt.Errorf("--seeds is %d, wanted 1 or more", spec.Seeds)
	}
	return nil
}

// addStudyFlags adds what all studies have.
func addStudyFlags(cmd *cobra.Command, spec *app.StudySpec) {
	addDatasetFlags(cmd, &spec.Data)
	flags := cmd.Flags()
	d := &spec.Design
	flags.IntSliceVar(&d.Images, "images", nil, "numbers of training images (default 84, 250, 1000 and 5000, as far as there are so many beside the test images)")
	flags.Float64SliceVar(&d.Noise, "noise", []float64{1, 1.5, 2}, "standard `deviations` of the noise of a trial, 1 being the data's own")
	flags.Lookup("noise").DefValue = "[1,1.5,2]" // pflag writes 1.000000
	flags.IntVar(&spec.Seeds, "seeds", 5, "number of seeds")
	flags.IntVar(&d.Test, "test", 300, "images to identify")
	flags.IntVar(&d.Epochs, "epochs", 0, "how often networks see every trial (0: the preset's own)")
	flags.StringSliceVar(&spec.Subjects, "subjects", nil, "compare on these subjects, the units of intervals: `names` that replace {subject} in paths, or MindEye's numbers")
	flags.StringVar(&spec.Out, "out", "", "`folder` that keeps what is done (required)")
	flags.StringVar(&spec.CSV, "csv", "", "write the rows to this CSV `file` too")
	_ = cmd.MarkFlagRequired("out") // the flag exists
}

// studyPresets returns the presets that a study compares: the choices of auto, and auto
// itself.
func studyPresets() []string {
	return []string{scan.PresetLinear, scan.PresetWhitened, scan.PresetGains, scan.PresetGaussian, scan.PresetCompact, scan.PresetAuto}
}
