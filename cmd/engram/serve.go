package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"

	"engram/cmd/engram/internal/app"
	"engram/data/images"
	"engram/embed/dataset"
	"engram/httpapi"
	"engram/index"
	"engram/index/source"

	"github.com/spf13/cobra"
)

func (a *console) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve [IMAGES]",
		Short: "Serve an index over HTTP, with a page",
		Long: "Serve answers searches by image, vector, item and, with --decoder, by scan, over REST and on a page.\n" +
			"Given a folder of images instead of --index, it first indexes what is new there, in the cache.\n" +
			"Ctrl-C ends it after the requests under way.",
		Example: "  engram serve ~/Pictures\n" +
			"  engram serve --index photos.index --addr 0.0.0.0:8080\n" +
			"  engram serve --index digits.index --decoder decoder --voxels voxels.npy --trials trials.csv",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (f.index != "") {
				return errors.New("wanted a folder of images or --index (see engram serve --help)")
			}
			if len(args) == 1 {
				if err := a.indexIntoCache(cmd.Context(), args[0], &f); err != nil {
					return err
				}
			}
			return a.serve(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.index, "index", "", "`folder` of the index, or "+collectionForm)
	flags.StringVar(&f.bundle, "bundle", "", "`folder` of the model bundle, where it is not at the place that the index remembers")
	flags.StringVar(&f.decoder, "decoder", "", "`folder` of the decoder for searches by scan")
	flags.StringVar(&f.voxels, "voxels", "", "scans that visitors may search with: a .npy `file` of [trials, voxels], or NIfTI with --mask")
	flags.StringVar(&f.mask, "mask", "", "NIfTI `file` whose voxels that are not zero are used")
	flags.StringVar(&f.trials, "trials", "", "CSV `file` with a header and a line per trial: the path of the image seen, in the folder of images")
	flags.StringVar(&f.column, "column", "image", "column of --trials")
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	return cmd
}

// serveFlags are the flags of serve.
type serveFlags struct {
	index, bundle, decoder       string
	voxels, mask, trials, column string
	addr                         string

	stored []httpapi.Trial // scans that visitors may search with, beside those of voxels
	shown  shown
}

// shown is what visitors read of where things come from. Without it they read
// the names of folders, of which they need not know where they lie.
type shown struct{ index, images, decoder, scans string }

// indexIntoCache indexes a folder into the cache and has f serve that index.
func (a *console) indexIntoCache(ctx context.Context, folder string, f *serveFlags) error {
	if f.bundle == "" {
		f.bundle = app.Pixels
	}
	root, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return err
	}
	cache, err := a.cacheDir()
	if err != nil {
		return err
	}
	key := sha256.Sum256([]byte(root + "\x00" + b.Fingerprint()))
	f.index = filepath.Join(cache, "indexes", fmt.Sprintf("%s-%x", filepath.Base(root), key[:8]))
	report, err := a.buildIndex(ctx, buildFlags{source: root, bundle: f.bundle, out: f.index, prune: true, batch: 16})
	if report != nil {
		for _, bad := range report.Bad {
			a.logger().Warn("skipped", "path", bad.Name, "reason", bad.Reason)
		}
	}
	return err
}

// serve serves an index until ctx ends.
func (a *console) serve(ctx context.Context, f serveFlags) (err error) {
	store, origin, err := a.followIndex(ctx, f.index)
	if err != nil {
		return err
	}
	defer closeInto(&err, store)
	opts := httpapi.Options{Store: store, IndexName: cmp.Or(f.shown.index, filepath.Base(f.index)), Logger: a.logger()}
	closers, err := a.serveOptions(ctx, f, origin, &opts)
	for _, c := range closers {
		defer closeInto(&err, c)
	}
	if err != nil {
		return err
	}
	server, err := httpapi.New(opts)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "http://%s/\n", listener.Addr())
	return server.Serve(ctx, listener)
}

// serveOptions fills in images, models and trials. What it opened is returned
// also after an error.
func (a *console) serveOptions(ctx context.Context, f serveFlags, origin source.Origin, opts *httpapi.Options) (opened []io.Closer, err error) {
	if origin.Root != "" {
		opts.IndexData = cmp.Or(f.shown.images, filepath.Base(origin.Root))
		if folder, err := httpapi.OpenFolder(origin.Root); err != nil {
			a.logger().Warn("the images cannot be shown", "reason", err) // but they can be found
		} else {
			opened, opts.Images = append(opened, folder), folder
		}
	}
	s := searcher{console: a, origin: origin}
	if s.info, err = opts.Store.Info(ctx); err != nil {
		return opened, err
	}
	b, err := s.bundle(f.bundle)
	if err != nil {
		return opened, err
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return opened, err
	}
	opened = append(opened, m)
	opts.Encoder = &httpapi.Encoder{Space: m.Space(), Encode: func(ctx context.Context, image []byte) ([]float32, error) {
		return m.Embed(ctx, bytes.NewReader(image))
	}}
	if f.decoder != "" {
		d, err := a.app().OpenDecoder(ctx, f.decoder, nil)
		if err != nil {
			return opened, err
		}
		opened = append(opened, d)
		opts.Decoder = &httpapi.Decoder{
			Name: cmp.Or(f.shown.decoder, d.Config().Preset), Data: cmp.Or(f.shown.scans, filepath.Base(f.decoder)),
			Voxels: d.Config().Voxels, Space: d.Space(), Decode: d.Query,
		}
		if err := s.info.CheckSpace(d.Space()); err != nil {
			return opened, fmt.Errorf("decoder %s: %w", f.decoder, err)
		}
	}
	opts.Trials = f.stored
	if f.voxels != "" {
		read, err := readStoredTrials(ctx, f, opts.Store)
		if err != nil {
			return opened, err
		}
		opts.Trials = append(opts.Trials, read...)
	}
	return opened, nil
}

// readStoredTrials reads the scans that visitors may search with.
func readStoredTrials(ctx context.Context, f serveFlags, store index.Store) ([]httpapi.Trial, error) {
	voxels, err := dataset.Matrix(f.voxels, f.mask)
	if err != nil {
		return nil, err
	}
	trials := make([]httpapi.Trial, voxels.Rows)
	for i := range trials {
		trials[i] = httpapi.Trial{ID: fmt.Sprintf("trial-%d", i), Repeats: [][]float32{voxels.Data[i*voxels.Stride:][:voxels.Cols]}}
	}
	if f.trials == "" {
		return trials, nil
	}
	seen, err := dataset.Column(f.trials, f.column)
	if err != nil {
		return nil, err
	}
	if len(seen) != len(trials) {
		return nil, fmt.Errorf("%s has %d trials, %s tells of %d", f.voxels, len(trials), f.trials, len(seen))
	}
	for i, path := range seen {
		id := index.ID(images.ID(path))
		items, err := store.Get(ctx, []index.ID{id})
		if err != nil {
			return nil, err
		}
		trials[i].Seen = path
		if len(items) == 1 {
			trials[i].Item = &id
		}
	}
	return trials, nil
}
