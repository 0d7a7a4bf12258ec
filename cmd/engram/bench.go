package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/bench"
	"engram/data/progress"

	"github.com/spf13/cobra"
)

func (c *console) benchCommand() *cobra.Command {
	var spec bench.Spec
	var megabytes int
	var json string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine does: memory, disk, search, import, images, texts",
		Long: "Bench measures how fast this machine reads memory and disk, searches exactly, imports vectors, decodes and\n" +
			"encodes images, and encodes texts where the model has a text graph. It takes about a minute, with --qdrant\n" +
			"some more, on random vectors, generated images and their captions.\n" +
			"With --json it writes a file that engram plan --rates reads.",
		Example: "  engram bench\n" +
			"  engram bench --model clip-vit-l-14 --device cuda:0 --json rates.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if json != "" {
				if _, err := os.Stat(filepath.Dir(json)); err != nil { // better now than after a minute
					return fmt.Errorf("--json: %w", err)
				}
			}
			spec.Bytes = megabytes << 20
			report, err := show(cmd.Context(), c, runBench(c.app()), spec)
			if err != nil {
				return err
			}
			if json != "" {
				if err := report.WriteFile(json); err != nil {
					return fmt.Errorf("--json: %w", err)
				}
			}
			return report.Print(c.stdout)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&spec.Model, "model", app.Pixels, modelHelp)
	flags.StringVar(&spec.Dir, "dir", "", "`folder` on the disk to measure (default: the system's for temporary files)")
	flags.IntVar(&spec.Rows, "rows", 100_000, "vectors to search and to import")
	flags.IntVar(&spec.Dim, "dim", 768, "elements of a vector")
	flags.IntVar(&spec.Images, "images", 64, "images to decode and to encode")
	flags.IntVar(&megabytes, "mib", 256, "MiB of memory and of a file to read and to write; wanted is several times what caches hold")
	flags.IntVar(&spec.Runs, "runs", 5, "runs of each step; the median counts")
	flags.DurationVar(&spec.Step, "step", 5*time.Second, "after this long a step makes no further run")
	flags.StringVar(&spec.Qdrant, "qdrant", "", "`host:port` of a Qdrant server on this machine, to measure it too; its key is $ENGRAM_QDRANT_API_KEY")
	flags.StringVar(&json, "json", "", "`file` for the report, which engram plan --rates reads")
	return cmd
}

// runBench is bench.Run as an operation.
func runBench(a *app.App) operation[bench.Spec, *bench.Report] {
	return func(ctx context.Context, spec bench.Spec, watch progress.Func) (*bench.Report, error) {
		return bench.Run(ctx, a, spec, watch)
	}
}
