package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/bench"
	"engram/data/vfs"
	"engram/index/qdrant"

	"github.com/spf13/cobra"
)

func (a *console) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine does: memory, disk, search, import, images",
		Long: "Bench measures how fast this machine reads memory and disk, searches exactly, imports vectors, decodes and\n" +
			"encodes images. It takes about a minute, with --qdrant some more, on random vectors and generated images.\n" +
			"With --json it writes a file that engram plan --rates reads.",
		Example: "  engram bench\n" +
			"  engram bench --bundle clip-vit-l-14 --device cuda:0 --json rates.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.bundle, "bundle", app.Pixels, "`folder` of the model bundle that encodes, or pixels")
	flags.StringVar(&f.dir, "dir", "", "`folder` on the disk to measure (default: the system's for temporary files)")
	flags.IntVar(&f.rows, "rows", 100_000, "vectors to search and to import")
	flags.IntVar(&f.dim, "dim", 768, "elements of a vector")
	flags.IntVar(&f.images, "images", 64, "images to decode and to encode")
	flags.IntVar(&f.megabytes, "mib", 256, "MiB of memory and of a file to read and to write; wanted is several times what caches hold")
	flags.IntVar(&f.runs, "runs", 5, "runs of each step, of which the median counts")
	flags.DurationVar(&f.step, "step", 5*time.Second, "after this long a step makes no further run")
	flags.StringVar(&f.qdrant, "qdrant", "", "`host:port` of a Qdrant server on this machine, to measure it too; its key is $ENGRAM_QDRANT_API_KEY")
	flags.StringVar(&f.json, "json", "", "`file` for the report, which engram plan --rates reads")
	return cmd
}

// benchFlags say what is measured, and with how much of it.
type benchFlags struct {
	bundle, dir, qdrant     string
	json                    string
	rows, dim, images, runs int
	megabytes               int
	step                    time.Duration
}

// bench measures this machine and prints the report.
func (a *console) bench(ctx context.Context, f benchFlags) (err error) {
	if f.json != "" {
		if _, err := os.Stat(filepath.Dir(f.json)); err != nil { // better now than after a minute
			return fmt.Errorf("--json: %w", err)
		}
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return err
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return err
	}
	defer closeInto(&err, m)
	opts := bench.Options{
		Dir: f.dir, Rows: f.rows, Dim: f.dim, Images: f.images, Bytes: f.megabytes << 20, Runs: f.runs, Step: f.step, Encoder: m.Encoder,
	}
	if f.qdrant != "" {
		remote, e := a.benchCollection(ctx, f)
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, dropCollection(ctx, remote)) }()
		opts.Remote = remote
	}
	bar := a.newProgress("measuring", "steps")
	defer bar.finish()
	opts.Progress = bar.set
	report, err := bench.Run(ctx, opts)
	if err != nil {
		return err
	}
	bar.finish()
	if f.json != "" {
		if err := writeReport(f.json, report); err != nil {
			return fmt.Errorf("--json: %w", err)
		}
	}
	return report.Print(a.stdout)
}

// benchCollection makes a collection of a name that nobody has, which answers
// with its graph.
func (a *console) benchCollection(ctx context.Context, f benchFlags) (*qdrant.Store, error) {
	opts, err := a.collectionOptions(fmt.Sprintf("qdrant://%s/engram-bench-%x", f.qdrant, time.Now().UnixNano()))
	if err != nil {
		return nil, err
	}
	opts.ExactUpTo = -1
	return qdrant.Create(ctx, opts, qdrant.Schema{Dim: f.dim, Indexes: map[string]qdrant.Kind{"class": qdrant.Integer}})
}

// dropCollection removes a collection, also where ctx has ended.
func dropCollection(ctx context.Context, store *qdrant.Store) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(store.Drop(ctx), store.Close())
}

// writeReport writes a report as JSON.
func writeReport(path string, report *bench.Report) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	})
}
