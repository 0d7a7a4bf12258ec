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

func (c *console) studyAreasCommand() *cobra.Command {
	var spec demo.AreaSpec
	var asJSON bool
	var seeds []uint
	cmd := &cobra.Command{
		Use:   "areas",
		Short: "Compare how well areas of the simulated subject identify images",
		Long: "Study areas needs no data: for each seed it has a simulated subject look at scenes of the demo, trains the\n" +
			"closed-form decoder on the voxels of each area, of the early areas together (V1, V2, V3 and V4), of the\n" +
			"higher areas together, and of all, and lets it identify scenes that it has not seen. These are training\n" +
			"scenes of the demo of the same seed: its test scenes are not looked at. The noise ceiling is the share of the\n" +
			"variance of the mean of three scans that is no noise, a median over voxels. Nobody was scanned.",
		Example: "  engram study areas\n  engram study areas --seeds 101,102,103 --images 3000 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, seed := range seeds {
				spec.Seeds = append(spec.Seeds, uint64(seed))
			}
			rows, err := show(cmd.Context(), c, studyAreas(c.app()), spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(rows)
			}
			return printAreas(c.stdout, rows)
		},
	}
	flags := cmd.Flags()
	flags.UintSliceVar(&seeds, "seeds", []uint{101}, "seeds of the scenes and their subjects")
	flags.IntVar(&spec.Images, "images", 500, "training images, each seen three times")
	flags.IntVar(&spec.Test, "test", 200, "images to identify")
	flags.IntVar(&spec.Zebras, "zebras", 60, "zebra scenes to identify, at most 60")
	flags.IntVar(&spec.Voxels, "voxels", 4000, "voxels of all areas together")
	flags.StringSliceVar(&spec.Areas, "areas", nil, "areas to compare: their names, early, higher or all (default each of these)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// studyAreas is demo.StudyAreas as an operation.
func studyAreas(a *app.App) operation[demo.AreaSpec, []demo.AreaScore] {
	return func(ctx context.Context, spec demo.AreaSpec, watch progress.Func) ([]demo.AreaScore, error) {
		return demo.StudyAreas(ctx, a, spec, watch)
	}
}

// printAreas writes the scores as a table for people.
func printAreas(w io.Writer, rows []demo.AreaScore) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "seed\tareas\tvoxels\tncsnr\tnoise ceiling\ttop-1, one scan (95 %)\tmean of three (95 %)\ttwo-way\tglobal vector alone (95 %)\tzebras, mean of three (95 %)")
	for _, r := range rows {
		fmt.Fprintf(table, "%d\t%s\t%d\t%.2f\t%.1f %%\t%s\t%s\t%.1f %%\t%s\t%s\n",
			r.Seed, r.Areas, r.Voxels, r.NCSNR, 100*r.Ceiling, r.Single, r.Mean, 100*r.TwoWay, r.Global, r.Zebras)
	}
	return table.Flush()
}
