package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"engram/embed"
	"engram/embed/bundle"
	"engram/embed/pixels"
	"engram/index"
	"engram/index/build"
	"engram/index/local"

	"github.com/spf13/cobra"
)

func (a *app) indexCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "index",
		Short:   "Build indexes and look after them",
		Long:    "Index has the commands that make an index and work on one as a whole.",
		Example: "  engram index build ~/Pictures --out photos.index",
	}
	cmd.AddCommand(a.indexBuildCommand(), a.indexCopyCommand(), a.indexVerifyCommand())
	return cmd
}

func (a *app) indexBuildCommand() *cobra.Command {
	var f indexFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "build IMAGES",
		Short: "Index the images of a folder",
		Long: "Build embeds the images below a folder and keeps the vectors in an index on disk. Captions and\n" +
			"categories of COCO are kept where a folder of images has ../annotations beside it. A second run\n" +
			"adds what is new or has changed. Files that are no readable images are listed and passed over.",
		Example: "  engram index build ~/Pictures --out photos.index\n" +
			"  engram index build coco --bundle mobilenetv2 --out coco.index --prune --json",
		Args: oneArgument("a folder of images"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.images = args[0]
			report, err := a.index(cmd.Context(), f)
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
	flags.StringVar(&f.bundle, "bundle", pixelsBundle, "`folder` of the model bundle, or pixels, the built-in one that needs no weights")
	flags.StringVar(&f.out, "out", "", "`folder` of the index, new or made by an earlier run (required)")
	flags.BoolVar(&f.prune, "prune", false, "delete the items whose files are gone")
	flags.IntVar(&f.batch, "batch", 16, "images in one run of the model")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// indexFlags say what to index with which model into which folder.
type indexFlags struct {
	images, bundle, out string
	prune               bool
	batch               int
}

// index brings an index in line with a folder of images. The report is not nil
// where what it counts is in the index, also beside an error.
func (a *app) index(ctx context.Context, f indexFlags) (_ *build.Report, err error) {
	if f.batch < 1 {
		return nil, fmt.Errorf("--batch is %d, wanted 1 or more", f.batch)
	}
	root, err := filepath.Abs(f.images)
	if err != nil {
		return nil, err
	}
	entries, err := build.Folder(root)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s has no images (jpg, png, webp, gif, bmp, tiff)", f.images)
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return nil, err
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	store, err := openOrCreate(f.out, b, root)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, store)

	bar := a.newProgress("indexing", "images")
	defer bar.finish()
	job := build.Job[*pixels.Image]{
		Entries: entries, Encoder: batchEncoder{m}, Store: store, Batch: f.batch, Prune: f.prune,
		Progress: func(p build.Progress) { bar.set(int64(p.Done), int64(p.Total)) },
	}
	report, err := job.Run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err // what the report counts may not have reached the disk
	}
	if err == nil && len(report.Bad) == len(entries) {
		err = fmt.Errorf("none of the %d images of %s could be read; %s: %s", len(entries), f.images, report.Bad[0].Path, report.Bad[0].Reason)
	}
	return report, err
}

// openOrCreate opens the index in dir, or makes it. An index of another bundle
// or of another folder of images is refused.
func openOrCreate(dir string, b *bundle.Bundle, root string) (*local.Store, error) {
	folder, err := filepath.Abs(b.Dir())
	if err != nil {
		return nil, err
	}
	store, err := local.Open(dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.Create(dir, local.Options{Dim: b.D, Bundle: b.Fingerprint(), BundleName: bundleLabel(b)})
	}
	if err != nil {
		return nil, err
	}
	err = func() error {
		info, err := store.Info(context.Background())
		if err != nil {
			return err
		}
		if err := index.CheckBundle(info, b.Fingerprint(), bundleLabel(b)); err != nil {
			return fmt.Errorf("%s is an index of bundle %s, --bundle is %s, choose another --out: %w", dir, info.BundleName, bundleLabel(b), index.ErrBundle)
		}
		origin, err := build.ReadOrigin(dir)
		if err != nil {
			return err
		}
		if origin.Root != "" && origin.Root != root {
			return fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", dir, origin.Root, root)
		}
		return build.WriteOrigin(dir, build.Origin{Root: root, Bundle: folder})
	}()
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// printReport prints the summary of an index run.
func (a *app) printReport(r *build.Report) {
	for _, bad := range r.Bad {
		fmt.Fprintf(a.stderr, "skipped %s: %s\n", bad.Path, bad.Reason)
	}
	if r.Pruned == 0 {
		for _, path := range r.Vanished {
			fmt.Fprintf(a.stderr, "gone    %s\n", path)
		}
	}
	fmt.Fprintf(a.stdout, "added %d, changed %d, unchanged %d, bad %d, gone %d (deleted %d); %.1f s, %.1f images/s\n",
		r.Added, r.Changed, r.Unchanged, len(r.Bad), len(r.Vanished), r.Pruned, r.Seconds, r.Rate())
}

// batchEncoder is the model as package build needs it.
type batchEncoder struct{ *model }

func (batchEncoder) Decode(file io.Reader) (*pixels.Image, error) {
	return pixels.Decode(file, pixels.Limits{})
}

func (batchEncoder) Size(img *pixels.Image) int { return len(img.Pix) }

func (e batchEncoder) Encode(ctx context.Context, images []*pixels.Image) ([][]float32, error) {
	vectors, err := e.model.Encode(ctx, images)
	if errors.Is(err, embed.ErrZero) || errors.Is(err, embed.ErrNotFinite) {
		return nil, fmt.Errorf("%w: %w", err, build.ErrImage)
	}
	rows := make([][]float32, len(vectors))
	for i, v := range vectors {
		rows[i] = v
	}
	return rows, err
}
