package main

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
	"engram/index/plan"
	"engram/index/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) indexBuildCommand() *cobra.Command {
	var f buildFlags
	var asJSON, dryRun bool
	cmd := &cobra.Command{
		Use:   "build SOURCE...",
		Short: "Build an index from images or embeddings, or bring it up to date",
		Long: "Build reads a source shard by shard and keeps its vectors, with what is known about them, in an index:\n\n" +
			"  a folder of images      encoded; with captions and categories where it is a split of COCO\n" +
			"  tars of webdataset      encoded; a folder of them or a pattern such as 'laion/{00000..00041}.tar'\n" +
			"  LAION's embeddings      img_emb_*.npy with metadata_*.parquet, as clip-retrieval writes them too\n" +
			"  Parquet with vectors    a file, a folder or a pattern\n" +
			"  scenes:5000?seed=1      generated pictures, encoded\n\n" +
			"A build that was broken off, whatever by, goes on where it was. One that is run again looks at what is\n" +
			"new or has changed, and deletes what a changed shard has no longer. Images, rows and whole shards that\n" +
			"are damaged are passed over and listed. Several sources make one index, and a source that an index does\n" +
			"not have yet is added to it.",
		Example: "  engram index build ~/Pictures --model clip-vit-b-32\n" +
			"  engram index build ~/Pictures --out photos.index\n" +
			"  engram index build coco --model clip-vit-b-32 --out coco.index --prune --json\n" +
			"  engram index build 'laion/{00000..00041}.tar' --model clip-vit-b-32 --out laion.index --part 1/4\n" +
			"  engram index build laion-embeddings --out laion.index --exclude-unsafe",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("wanted a source, found 0 arguments")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(args[0], cmd.Flags())
			if err != nil {
				return err
			}
			spec.Source.More = args[1:]
			if dryRun {
				return c.estimate(cmd.Context(), spec, asJSON)
			}
			return c.build(cmd.Context(), spec, asJSON)
		},
	}
	flags := cmd.Flags()
	f.source.add(flags)
	f.addFilter(flags)
	flags.StringVar(&f.Model, "model", app.Pixels, modelHelp+"; for embeddings the one that made them")
	flags.StringVar(&f.Out, "out", "", "`folder` of the index, new or made by an earlier run, or "+open.Form+" (default "+app.DefaultIndex+" in this folder)")
	addCollection(flags, &f.Collection)
	flags.StringVar(&f.part, "part", "", "build only part `i/n` of the shards, into an index of its own (see index join) or all into one collection")
	flags.BoolVar(&f.Prune, "prune", false, "delete the items of shards and folders that are gone")
	flags.BoolVar(&f.RetryFailed, "retry-failed", false, "try again what could not be read before")
	flags.IntVar(&f.Batch, "batch", 0, "images in one run of the model (default 4 on the CPU, 16 on a GPU)")
	flags.StringVar(&f.Tokens, "tokens", "", "keep the tokens of images for searches by scan, as float16 or int8: `kind`, or none (default what the index does, none for a new one)")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	flags.BoolVar(&dryRun, "dry-run", false, "do a sample for a few seconds, write nothing, and print what all of it would take")
	return cmd
}

// build builds an index and prints what came of it.
func (c *console) build(ctx context.Context, spec app.BuildSpec, asJSON bool) error {
	if spec.Out == "" {
		spec.Out = app.DefaultIndex
		c.sayDefaultIndex()
	}
	report, err := show(ctx, c, c.app().Build, spec)
	if report == nil {
		return err
	}
	if asJSON {
		return errors.Join(c.printJSON(report), err)
	}
	c.printBuilt(report)
	return err
}

// buildFlags are the flags of index build.
type buildFlags struct {
	app.BuildSpec
	source      sourceFlags
	part, where string
	safe        bool
}

// addFilter adds the flags that say which rows to leave out.
func (f *buildFlags) addFilter(flags *pflag.FlagSet) {
	flags.StringVar(&f.where, "where", "", "keep only rows whose payload matches this `filter`, as JSON")
	flags.BoolVar(&f.safe, "exclude-unsafe", false, "leave out rows that LAION's metadata mark as unsafe")
}

// spec returns what the flags say.
func (f *buildFlags) spec(place string, flags *pflag.FlagSet) (spec app.BuildSpec, err error) {
	spec = f.BuildSpec
	if flags.Changed("batch") && f.Batch < 1 {
		return spec, fmt.Errorf("--batch is %d, wanted 1 or more", f.Batch)
	}
	if err := checkCollection(f.Collection, f.Out); err != nil {
		return spec, err
	}
	if !flags.Changed("model") {
		spec.Model = "" // embeddings have none
	}
	if spec.Where, err = f.filter(); err != nil {
		return spec, err
	}
	if f.part != "" {
		if spec.Part, err = ingest.ParsePart(f.part); err != nil {
			return spec, err
		}
	}
	spec.Source, err = f.source.spec(place)
	return spec, err
}

// filter returns which rows to keep, nil for all.
func (f *buildFlags) filter() (index.Filter, error) {
	var filters index.And
	if f.safe {
		filters = append(filters, index.Safe())
	}
	if f.where != "" {
		where, err := index.ParseFilter(f.where)
		if err != nil {
			return nil, fmt.Errorf("--where: %w", err)
		}
		filters = append(filters, where)
	}
	if len(filters) == 0 {
		return nil, nil
	}
	return filters, nil
}

// printBuilt prints the summary of a build.
func (c *console) printBuilt(r *ingest.Report) {
	for _, bad := range r.Bad {
		fmt.Fprintf(c.stderr, "skipped %s: %s\n", printable(bad.Name), bad.Reason)
	}
	for _, s := range r.PerShard {
		if s.Damaged != "" {
			fmt.Fprintf(c.stderr, "damaged %s: %s\n", printable(s.Name), s.Damaged)
		}
	}
	for _, name := range r.GoneNames {
		fmt.Fprintf(c.stderr, "gone    %s\n", printable(name))
	}
	for _, name := range r.IncompleteNames {
		fmt.Fprintf(c.stderr, "cut off %s: used as far as it goes, the rest is grey\n", printable(name))
	}
	c.printSources(r.Sources)
	fmt.Fprintf(c.stdout, "shards %d: finished %d, unchanged %d, damaged %d\n", r.Shards, r.Finished, r.Skipped, r.Damaged)
	fmt.Fprintf(c.stdout, "rows: stored %d, unchanged %d, excluded %d, bad %d, gone %d (deleted %d)", r.Stored, r.Unchanged, r.Excluded, r.Unusable, r.Gone, r.Deleted)
	if r.Rescaled > 0 {
		fmt.Fprintf(c.stdout, ", %d vectors scaled to unit length", r.Rescaled)
	}
	if r.Incomplete > 0 {
		fmt.Fprintf(c.stdout, ", %d cut off", r.Incomplete)
	}
	fmt.Fprintf(c.stdout, "\n%.1f s, %.1f rows/s", r.Seconds, r.Rate())
	if r.Encoded > 0 {
		fmt.Fprintf(c.stdout, ", encoder busy %.1f %%", 100*r.EncoderBusy)
	}
	fmt.Fprintln(c.stdout)
}

// printSources prints what sources were taken for, what was joined in them and what
// was left out.
func (c *console) printSources(sources []source.Summary) {
	for i := range sources {
		for _, line := range sources[i].OddLines() {
			fmt.Fprintln(c.stderr, printable(line))
		}
	}
	for i := range sources {
		for _, line := range sources[i].Lines() {
			fmt.Fprintln(c.stdout, printable(line))
		}
	}
}

// estimate prints what a build would take.
func (c *console) estimate(ctx context.Context, spec app.BuildSpec, asJSON bool) error {
	e, err := show(ctx, c, c.app().Estimate, spec)
	if err != nil {
		return err
	}
	if asJSON {
		return c.printJSON(e)
	}
	c.printSources(e.Sources)
	about := ""
	if e.Guessed {
		about = "about "
	}
	fmt.Fprintf(c.stdout, "shards  %d to read, %d unchanged\n", e.Shards, e.Skipped)
	fmt.Fprintf(c.stdout, "rows    %s%d in %s\n", about, e.Rows, plan.Bytes.Format(float64(e.Bytes)))
	fmt.Fprintf(c.stdout, "sample  %d rows at %.1f rows/s, not stored\n", e.Sampled, e.Rate)
	fmt.Fprintf(c.stdout, "time    about %s at this rate\n", plan.Hours.Format(e.Seconds/3600))
	fmt.Fprintf(c.stdout, "memory  about %s\n", plan.Bytes.Format(float64(e.Memory)))
	_, err = fmt.Fprintf(c.stdout, "disk    about %s in the embedded engine\n", plan.Bytes.Format(float64(e.Disk)))
	return err
}
