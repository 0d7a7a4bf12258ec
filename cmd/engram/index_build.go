package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"engram/cmd/engram/internal/app"
	"engram/data/laion"
	"engram/embed"
	"engram/embed/bundle"
	"engram/embed/clip"
	"engram/embed/pixels"
	"engram/index"
	"engram/index/ingest"
	"engram/index/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *console) indexBuildCommand() *cobra.Command {
	var f buildFlags
	var asJSON, dryRun bool
	cmd := &cobra.Command{
		Use:   "build SOURCE",
		Short: "Build an index from images or embeddings, or bring it up to date",
		Long: "Build reads a source shard by shard and keeps its vectors, with what is known about them, in an index:\n\n" +
			"  a folder of images      encoded; with captions and categories where it is a split of COCO\n" +
			"  tars of webdataset      encoded; a folder of them or a pattern such as 'laion/{00000..00041}.tar'\n" +
			"  LAION's embeddings      img_emb_*.npy with metadata_*.parquet, as clip-retrieval writes them too\n" +
			"  Parquet with vectors    a file, a folder or a pattern\n" +
			"  scenes:5000?seed=1      generated pictures, encoded\n\n" +
			"A build that was broken off, whatever by, goes on where it was. One that is run again looks at what is\n" +
			"new or has changed, and deletes what a changed shard has no longer. Images, rows and whole shards that\n" +
			"are damaged are passed over and listed.",
		Example: "  engram index build ~/Pictures --out photos.index\n" +
			"  engram index build coco --bundle clip --out coco.index --prune --json\n" +
			"  engram index build 'laion/{00000..00041}.tar' --bundle clip --out laion.index --part 1/4\n" +
			"  engram index build laion-embeddings --out laion.index --exclude-unsafe",
		Args: oneArgument("a source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.source = args[0]
			f.bundleSet = cmd.Flags().Changed("bundle")
			if dryRun {
				return a.estimateIndex(cmd.Context(), f, asJSON)
			}
			report, err := a.buildIndex(cmd.Context(), f)
			if report == nil {
				return err
			}
			if asJSON {
				return errors.Join(a.printJSON(report), err)
			}
			a.printReport(report)
			return err
		},
	}
	flags := cmd.Flags()
	f.addSource(flags)
	f.addFilter(flags)
	flags.StringVar(&f.bundle, "bundle", app.Pixels, "`folder` of the model bundle, or pixels, the built-in one that needs no weights; for embeddings the one that made them")
	flags.StringVar(&f.out, "out", "", "`folder` of the index, new or made by an earlier run, or "+collectionForm+" (required)")
	f.collection.add(flags)
	flags.StringVar(&f.part, "part", "", "build only part `i/n` of the shards, into an index of its own (see index join) or all into one collection")
	flags.BoolVar(&f.prune, "prune", false, "delete the items of shards and folders that are gone")
	flags.BoolVar(&f.retry, "retry-failed", false, "try again what could not be read before")
	flags.IntVar(&f.batch, "batch", 16, "images in one run of the model")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	flags.BoolVar(&dryRun, "dry-run", false, "do a sample for a few seconds, write nothing, and print what all of it would take")
	cmd.MarkFlagsOneRequired("out", "dry-run")
	return cmd
}

// buildFlags say what to index with which model into which folder.
type buildFlags struct {
	source             string
	kind, set          string
	options            source.Options
	bundle             string
	bundleSet          bool // by the user
	out, part          string
	where              string
	safe, prune, retry bool
	batch              int
	collection         collectionFlags
}

// addSource adds the flags that say how to read the source.
func (f *buildFlags) addSource(flags *pflag.FlagSet) {
	flags.StringVar(&f.kind, "source", "", fmt.Sprintf("`kind` of the source, where it is not found out: one of %q", source.Kinds()))
	flags.StringSliceVar(&f.options.Include, "include", nil, "of a folder of images, only files or folders that match the `pattern`, such as *.jpg")
	flags.StringSliceVar(&f.options.Exclude, "exclude", nil, "and none that match this `pattern`")
	flags.StringVar(&f.set, "embeddings", "image", "which of LAION's embeddings: image or text")
	flags.StringVar(&f.options.Column, "column", "", "`name` of the Parquet column with vectors, where it is not found out")
}

// addFilter adds the flags that say which rows to leave out.
func (f *buildFlags) addFilter(flags *pflag.FlagSet) {
	flags.StringVar(&f.where, "where", "", "keep only rows whose payload matches this `filter`, as JSON")
	flags.BoolVar(&f.safe, "exclude-unsafe", false, "leave out rows that LAION's metadata mark as unsafe")
}

// open returns the source.
func (f *buildFlags) open() (source.Source, error) {
	o := f.options
	o.Kind = source.Kind(f.kind)
	switch f.set {
	case "image", "":
		o.Set = laion.Image
	case "text":
		o.Set = laion.Text
	default:
		return nil, fmt.Errorf("--embeddings is %q, wanted image or text", f.set)
	}
	return source.Open(f.source, o)
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

// job returns what the flags say of a job.
func (f *buildFlags) job() (job ingest.Job, err error) {
	if f.batch < 1 {
		return job, fmt.Errorf("--batch is %d, wanted 1 or more", f.batch)
	}
	if err := f.collection.check(f.out); err != nil {
		return job, err
	}
	job.Batch, job.Prune, job.Retry = f.batch, f.prune, f.retry
	if job.Where, err = f.filter(); err != nil {
		return job, err
	}
	if f.part != "" {
		job.Part, err = ingest.ParsePart(f.part)
	}
	return job, err
}

// prepared is a build with all but its target.
type prepared struct {
	job    ingest.Job
	source source.Source
	bundle *bundle.Bundle // nil for embeddings of which nobody says what made them
	model  *app.Model     // nil for embeddings
	dim    int
}

// prepare opens the source and the model. The caller closes what it returns.
func (a *console) prepare(ctx context.Context, f buildFlags) (*prepared, error) {
	var p prepared
	var err error
	if p.job, err = f.job(); err != nil {
		return nil, err
	}
	if p.source, err = f.open(); err != nil {
		return nil, err
	}
	if p.job.Shards, err = p.source.Shards(ctx); err != nil {
		return nil, err
	}
	if len(p.job.Shards) == 0 {
		return nil, fmt.Errorf("%s has no images (jpg, png, webp, gif, bmp, tiff)", f.source)
	}
	if p.dim, err = dimOf(ctx, f.source, p.job.Shards); err != nil {
		return nil, err
	}
	if p.bundle, err = a.buildBundle(f, p.dim); err != nil || p.dim > 0 {
		return &p, err
	}
	if p.model, err = a.openModel(ctx, p.bundle); err != nil {
		return nil, err
	}
	p.job.Encoder, p.dim = batchEncoder{p.model}, p.bundle.D
	return &p, nil
}

// Close closes the model.
func (p *prepared) Close() error {
	if p.model == nil {
		return nil
	}
	return p.model.Close()
}

// buildIndex brings an index in line with a source. The report is not nil where
// what it counts is in the index, also beside an error.
func (a *console) buildIndex(ctx context.Context, f buildFlags) (_ *ingest.Report, err error) {
	p, err := a.prepare(ctx, f)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, p)
	target := target{dim: p.dim}
	if err := target.open(ctx, a, f, p.bundle, p.source); err != nil {
		return nil, err
	}
	defer closeInto(&err, &target)
	job := p.job
	job.Store, job.Ledger = target.store, target.manifest

	display := a.display()
	defer display.finish()
	job.Progress = display.report
	report, err := job.Run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err // what the report counts may not have reached the disk
	}
	if err == nil {
		err = useless(f.source, report)
	}
	return report, err
}

// ofVectors reports whether the rows of a source are vectors, and not images.
func ofVectors(shards []source.Shard) bool {
	return slices.ContainsFunc(shards, func(s source.Shard) bool { return s.Dim != 0 })
}

// dimOf returns the dimension of the vectors of a source, 0 where it has
// images. The error is that of a source of vectors none of which can be read.
func dimOf(ctx context.Context, source string, shards []source.Shard) (int, error) {
	if !ofVectors(shards) {
		return 0, nil
	}
	for _, s := range shards {
		if s.Dim > 0 {
			return s.Dim, nil
		}
	}
	for _, err := range shards[0].Read(ctx, 0) {
		if err != nil {
			return 0, fmt.Errorf("none of the %d shards of %s could be used; %s: %w", len(shards), source, shards[0].Name, err)
		}
	}
	return 0, fmt.Errorf("%s has no vectors", source)
}

// buildBundle opens the bundle of a build. Embeddings, whose vectors have dim
// elements, need none; where one is named its vectors must be as long.
func (a *console) buildBundle(f buildFlags, dim int) (*bundle.Bundle, error) {
	if dim > 0 && !f.bundleSet {
		return nil, nil
	}
	b, err := a.openBundle(f.bundle)
	if err == nil && dim > 0 && b.D != dim {
		err = fmt.Errorf("the embeddings of %s have %d elements, those of bundle %s %d", f.source, dim, app.Label(b), b.D)
	}
	return b, err
}

// useless is an error where nothing of a source can be used.
func useless(source string, r *ingest.Report) error {
	switch {
	case r.Stored+r.Unchanged+r.Excluded > 0:
		return nil
	case r.Unusable > 0 && len(r.Bad) > 0:
		return fmt.Errorf("none of the %d rows of %s could be used; %s: %s", r.Unusable, source, r.Bad[0].Name, r.Bad[0].Reason)
	case r.Damaged > 0 && len(r.PerShard) > 0:
		return fmt.Errorf("none of the %d shards of %s could be used; %s: %s", r.Shards, source, r.PerShard[0].Name, r.PerShard[0].Damaged)
	}
	return nil
}

// printReport prints the summary of a build.
func (a *console) printReport(r *ingest.Report) {
	for _, bad := range r.Bad {
		fmt.Fprintf(a.stderr, "skipped %s: %s\n", printable(bad.Name), bad.Reason)
	}
	for _, s := range r.PerShard {
		if s.Damaged != "" {
			fmt.Fprintf(a.stderr, "damaged %s: %s\n", printable(s.Name), s.Damaged)
		}
	}
	for _, name := range r.GoneNames {
		fmt.Fprintf(a.stderr, "gone    %s\n", printable(name))
	}
	fmt.Fprintf(a.stdout, "shards %d: finished %d, unchanged %d, damaged %d\n", r.Shards, r.Finished, r.Skipped, r.Damaged)
	fmt.Fprintf(a.stdout, "rows: stored %d, unchanged %d, excluded %d, bad %d, gone %d (deleted %d)", r.Stored, r.Unchanged, r.Excluded, r.Unusable, r.Gone, r.Deleted)
	if r.Rescaled > 0 {
		fmt.Fprintf(a.stdout, ", %d vectors scaled to unit length", r.Rescaled)
	}
	fmt.Fprintf(a.stdout, "\n%.1f s, %.1f rows/s", r.Seconds, r.Rate())
	if r.Encoded > 0 {
		fmt.Fprintf(a.stdout, ", encoder busy %.1f %%", 100*r.EncoderBusy)
	}
	fmt.Fprintln(a.stdout)
}

// batchEncoder is the model as package ingest needs it.
type batchEncoder struct{ model *app.Model }

// picture is a decoded image on its way to the model.
type picture struct{ *pixels.Image }

// Size implements ingest.Input.
func (p picture) Size() int { return len(p.Pix) }

func (batchEncoder) Decode(file io.Reader) (ingest.Input, error) {
	img, err := pixels.Decode(file, pixels.Limits{})
	return picture{img}, err
}

func (e batchEncoder) Encode(ctx context.Context, inputs []ingest.Input) ([][]float32, error) {
	images := make([]*pixels.Image, len(inputs))
	for i, input := range inputs {
		images[i] = input.(picture).Image
	}
	vectors, err := e.model.Encode(ctx, images)
	return asRows(vectors, err)
}

// asRows returns what an encoder gives as package ingest takes it.
func asRows(vectors []embed.Vector, err error) ([][]float32, error) {
	if errors.Is(err, embed.ErrZero) || errors.Is(err, embed.ErrNotFinite) || errors.Is(err, clip.ErrNoWord) {
		return nil, fmt.Errorf("%w: %w", err, ingest.ErrImage)
	}
	rows := make([][]float32, len(vectors))
	for i, v := range vectors {
		rows[i] = v
	}
	return rows, err
}
