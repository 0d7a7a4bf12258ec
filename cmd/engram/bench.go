package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/bench"
	"engram/cmd/engram/internal/sweep"
	"engram/data/progress"

	"github.com/spf13/cobra"
)

func (c *console) benchCommand() *cobra.Command {
	var spec bench.Spec
	var flags benchFlags
	var megabytes int
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine does: memory, disk, search, import, images, texts",
		Long: "Bench measures how fast this machine reads memory and disk, searches exactly, imports vectors, decodes and\n" +
			"encodes images, and encodes texts where the model has a text graph. It takes about a minute, with --qdrant\n" +
			"some more, on random vectors, generated images and their captions.\n" +
			"With --json it writes a file that engram plan --rates reads.\n" +
			"\n" +
			"With --vectors, --hard or --index it measures searches alone: recall@10 and @16, queries a second, latencies,\n" +
			"the building, the disk and the memory of an index of these vectors, for each recall that is asked for and\n" +
			"each number of threads. With --server it asks a server by the vectors of --queries, one after the other.\n" +
			"With --writes it measures an index that is written to while it is searched, with --filtered searches with filters.",
		Example: "  engram bench\n" +
			"  engram bench --model clip-vit-l-14 --device cuda:0 --json rates.json\n" +
			"  engram bench --hard 200000\n" +
			"  engram bench --vectors train.npy --queries query.npy --recall .9,.95,.98,.99 --threads 1,all\n" +
			"  engram bench --hard 200000 --filtered\n" +
			"  engram bench --hard 200000 --writes 30s --durability group\n" +
			"  engram bench --server http://localhost:8080 --queries query.npy",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd.Flags()); err != nil {
				return err
			}
			spec.Bytes = megabytes << 20
			return c.bench(cmd.Context(), spec, flags)
		},
	}
	flags.add(cmd)
	set := cmd.Flags()
	set.StringVar(&spec.Model, "model", app.Pixels, modelHelp)
	set.StringVar(&spec.Dir, "dir", "", "`folder` on the disk to measure (default: the system's for temporary files)")
	set.IntVar(&spec.Rows, "rows", 100_000, "vectors to search and to import")
	set.IntVar(&spec.Dim, "dim", 768, "elements of a vector")
	set.IntVar(&spec.Images, "images", 64, "images to decode and to encode")
	set.IntVar(&megabytes, "mib", 256, "MiB of memory and of a file to read and to write; wanted is several times what caches hold")
	set.IntVar(&spec.Runs, "runs", 5, "runs of each step; the median counts")
	set.DurationVar(&spec.Step, "step", 5*time.Second, "after this long a step makes no further run")
	set.StringVar(&spec.Qdrant, "qdrant", "", "`host:port` of a Qdrant server on this machine, to measure it too; its key is $ENGRAM_QDRANT_API_KEY")
	set.StringVar(&flags.json, "json", "", "`file` for the report, which engram plan --rates reads")
	return cmd
}

// benchReport is what one of the benchmarks has measured.
type benchReport interface {
	Print(w io.Writer) error
	WriteFile(path string) error
}

// bench runs the benchmark that the flags ask for, and reports it.
func (c *console) bench(ctx context.Context, spec bench.Spec, flags benchFlags) error {
	if flags.json != "" {
		if _, err := os.Stat(filepath.Dir(flags.json)); err != nil { // better now than after a minute
			return fmt.Errorf("--json: %w", err)
		}
	}
	report, err := c.measure(ctx, spec, flags)
	if err != nil {
		return err
	}
	if flags.json != "" {
		if err := report.WriteFile(flags.json); err != nil {
			return fmt.Errorf("--json: %w", err)
		}
	}
	return report.Print(c.stdout)
}

// measure runs the benchmark that the flags ask for.
func (c *console) measure(ctx context.Context, spec bench.Spec, flags benchFlags) (benchReport, error) {
	switch {
	case flags.server != "":
		ask := func(ctx context.Context, spec sweep.RESTSpec, watch progress.Func) (*sweep.RESTReport, error) {
			return sweep.RunREST(ctx, spec, watch)
		}
		return show(ctx, c, ask, sweep.RESTSpec{Server: flags.server, Queries: flags.spec.Queries, Rounds: spec.Runs, K: 10})
	case flags.writes != 0:
		return show(ctx, c, sweep.RunWrites, sweep.WritesSpec{
			Dir: spec.Dir, Vectors: flags.spec.Vectors, Hard: flags.spec.Hard, Dim: spec.Dim, Seed: flags.spec.Seed,
			Durability: flags.durability, Step: flags.writes, Rate: flags.writeRate,
		})
	case flags.filtered:
		return show(ctx, c, sweep.RunFilters, sweep.FiltersSpec{
			Dir: spec.Dir, Vectors: flags.spec.Vectors, Hard: flags.spec.Hard, Dim: spec.Dim, Outside: flags.spec.Outside, Rounds: spec.Runs, Seed: flags.spec.Seed,
		})
	case flags.spec.Vectors != "" || flags.spec.Hard != 0 || flags.spec.Index != "":
		search, err := flags.searches(spec)
		if err != nil {
			return nil, err
		}
		a := c.app()
		if flags.churn {
			return show(ctx, c, sweep.RunChurn, search)
		}
		run := func(ctx context.Context, spec sweep.Spec, watch progress.Func) (*sweep.Report, error) {
			return sweep.Run(ctx, a, spec, watch)
		}
		return show(ctx, c, run, search)
	}
	return show(ctx, c, runBench(c.app()), spec)
}

// runBench is bench.Run as an operation.
func runBench(a *app.App) operation[bench.Spec, *bench.Report] {
	return func(ctx context.Context, spec bench.Spec, watch progress.Func) (*bench.Report, error) {
		return bench.Run(ctx, a, spec, watch)
	}
}
