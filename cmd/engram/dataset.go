package main

import (
	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

// Help of the flags that choose voxels.
const (
	maskHelp   = "NIfTI `file` whose voxels above 0 are used; it must lie where the scans lie"
	labelsHelp = "`labels` of --mask that are used, such as 1,2,5-7, or all"
)

// addDatasetFlags adds the flags that name scans and what was seen in them.
func addDatasetFlags(cmd *cobra.Command, d *app.Dataset, instead ...string) {
	flags := cmd.Flags()
	flags.StringVar(&d.Voxels, "voxels", "", "scans: a .npy `file` of [trials, voxels], or a NIfTI of one volume per trial with --mask; a pattern such as 'run-*.nii.gz' joins several")
	flags.StringVar(&d.Mask, "mask", "", maskHelp)
	flags.StringVar(&d.Labels, "labels", "", labelsHelp)
	flags.StringVar(&d.Stimuli, "stimuli", "", "images seen: a `folder`, in natural order (2.png before 10.png), or a .npy file of uint8 [images, H, W] or [images, H, W, 3]")
	flags.StringVar(&d.Targets, "targets", "", "instead of --stimuli, embeddings that --model made of the images: a .npy `file` of [images, D] or [images, T, D]")
	flags.StringVar(&d.Trials, "trials", "", "CSV or TSV `file` with a header and a line per trial that says which image was seen; n/a: none (default: trial i saw image i)")
	flags.StringVar(&d.Column, "column", "image", "column of --trials: the image's path in the folder of stimuli, or its number from 0 (of BIDS's events stim_file, too)")
	flags.StringVar(&d.Model, "model", "", modelHelp+" (default pixels, the built-in one)")
	flags.StringVar(&d.MindEye, "mindeye", "", "instead of --voxels and --stimuli, a `folder` of MindEye's webdataset: train/train_subj01_0.tar and so on")
	flags.IntVar(&d.Subject, "subject", 0, "subject of --mindeye (default the only one)")
	cmd.MarkFlagsOneRequired(append([]string{"voxels", "mindeye"}, instead...)...)
	for _, other := range []string{"voxels", "mask", "labels", "stimuli", "targets", "trials"} {
		cmd.MarkFlagsMutuallyExclusive("mindeye", other)
	}
	cmd.MarkFlagsMutuallyExclusive("subject", "voxels")
}
