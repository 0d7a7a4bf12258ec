package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) serveCommand() *cobra.Command {
	var spec app.ServeSpec
	var addr string
	cmd := &cobra.Command{
		Use:   "serve [IMAGES]",
		Short: "Serve an index over HTTP, with a page",
		Long: "Serve answers searches by words, image, vector, item and, with --decoder, by scan, over REST and on a page.\n" +
			"Words need an index that was built with the model of a CLIP.\n" +
			"An index of vectors that were made elsewhere is served without a model: by vector, item and filter.\n" +
			"Given a folder of images, it first indexes what is new there, in the cache.\n" +
			"An index in a folder is served as it is at the start; others may read, write and serve it meanwhile.\n" +
			"Ctrl-C ends it after the requests under way.",
		Example: "  engram serve ~/Pictures\n" +
			"  engram serve --index photos.index --addr 0.0.0.0:8080\n" +
			"  engram serve --index digits.index --decoder decoder --voxels voxels.npy --trials trials.csv",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				var err error
				if spec.Index, err = c.indexOrDefault(spec.Index); err != nil {
					return err
				}
			case spec.Index != "":
				return errors.New("wanted a folder of images or --index, found both (see engram serve --help)")
			default:
				spec.Images = args[0]
			}
			return c.serve(cmd.Context(), spec, addr)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&spec.Index, "index", "", indexHelp)
	flags.StringVar(&spec.Model, "model", "", modelOfIndex)
	flags.BoolVar(&spec.AssumeModel, "assume-model", false, "take it on trust that this model made the vectors of an index that does not record its model")
	flags.StringVar(&spec.ImagesRoot, "images-root", "", "`folder` where the images are now, if they have moved since the index was built")
	flags.BoolVar(&spec.ImageURLs, "image-urls", false, "let the page load images that are not here from the urls in their payloads")
	flags.StringSliceVar(&spec.CORS, "cors", nil, "`origins` whose pages may ask this server from a browser, such as https://example.com, or *")
	flags.StringVar(&spec.Decoder, "decoder", "", "`folder` of the decoder for searches by scan")
	flags.StringVar(&spec.Voxels, "voxels", "", "scans that visitors may search with: a .npy `file` of [trials, voxels], or NIfTI with --mask")
	flags.StringVar(&spec.Mask, "mask", "", maskHelp)
	flags.StringVar(&spec.Labels, "labels", "", labelsHelp)
	flags.StringVar(&spec.Regions, "regions", "", "regions of the voxels of --mask, which the page outlines: a table with a line per voxel and a column area or region, or a NIfTI `file` of labels")
	flags.StringVar(&spec.Trials, "trials", "", "CSV or TSV `file` with a header and a line per trial: the image seen, by its path in the folder of images or its number from 0")
	flags.StringVar(&spec.Column, "column", "image", "column of --trials")
	flags.StringVar(&addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	return cmd
}

// serve serves until ctx ends.
func (c *console) serve(ctx context.Context, spec app.ServeSpec, addr string) (err error) {
	service, err := show(ctx, c, c.app().OpenService, spec)
	if err != nil {
		return err
	}
	defer closeInto(&err, service)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "http://%s/\n", listener.Addr())
	return service.Serve(ctx, listener)
}
