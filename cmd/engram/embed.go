package main

import (
	"errors"
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/index/embedfiles"

	"github.com/spf13/cobra"
)

func (c *console) embedCommand() *cobra.Command {
	var spec app.EmbedSpec
	var from sourceFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "embed SOURCE",
		Short: "Embed images or captions into files that any program can load",
		Long: "Embed writes the vectors of a source's images, or of their captions, in the layout of LAION and\n" +
			"clip-retrieval: img_emb/img_emb_N.npy with metadata/metadata_N.parquet, row by row in the order of the\n" +
			"source. It takes the sources that index build takes, which reads such folders, too. A run that was broken off,\n" +
			"whatever by, goes on where it was; a pair of files that is there is whole and is not touched again. What\n" +
			"cannot be embedded is passed over, listed, and kept in bad/.",
		Example: "  engram embed ~/Pictures --out pictures.emb\n" +
			"  engram embed 'laion/{00000..00041}.tar' --model clip-vit-b-32 --out laion.emb\n" +
			"  engram embed coco --model clip-vit-b-32 --text --out captions.emb --json",
		Args: oneArgument("a source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("batch") && spec.Batch < 1 {
				return fmt.Errorf("--batch is %d, wanted 1 or more", spec.Batch)
			}
			if spec.Rows < 1 {
				return fmt.Errorf("--rows is %d, wanted 1 or more", spec.Rows)
			}
			var err error
			if spec.Source, err = from.spec(args[0]); err != nil {
				return err
			}
			report, err := show(cmd.Context(), c, c.app().Embed, spec)
			if report == nil {
				return err
			}
			if asJSON {
				return errors.Join(c.printJSON(report), err)
			}
			c.printEmbedded(report)
			return err
		},
	}
	flags := cmd.Flags()
	from.add(flags)
	flags.StringVar(&spec.Model, "model", app.Pixels, modelHelp)
	flags.StringVar(&spec.Out, "out", "", "`folder` of the embeddings, new or made by an earlier run (required)")
	flags.BoolVar(&spec.Text, "text", false, "embed the first caption of each row, by the model's text graph, not its image")
	flags.BoolVar(&spec.Float32, "float32", false, "write float32 rather than float16")
	flags.IntVar(&spec.Rows, "rows", 1_000_000, "rows of a pair of files, at least: folders and tars are not divided")
	flags.IntVar(&spec.Batch, "batch", 0, "images or captions in one run of the model (images: default 4 on the CPU, 16 on a GPU; captions: 16)")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// printEmbedded prints the summary of an embedding.
func (c *console) printEmbedded(r *embedfiles.Report) {
	for _, bad := range r.Bad {
		fmt.Fprintf(c.stderr, "skipped %s: %s\n", bad.Name, bad.Reason)
	}
	c.printSources(r.Sources)
	fmt.Fprintf(c.stdout, "pairs %d (%d there before), rows %d, bad %d; encoded %d in %.1f s, %.1f rows/s\n",
		r.Pairs, r.Skipped, r.Rows, r.Unusable, r.Encoded, r.Seconds, r.Rate())
}
