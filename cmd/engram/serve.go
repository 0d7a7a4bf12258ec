package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) serveCommand() *cobra.Command {
	var spec app.ServeSpec
	var listen app.ListenSpec
	var set settings
	cmd := &cobra.Command{
		Use:   "serve [IMAGES]",
		Short: "Serve an index over HTTP, with a page",
		Long: "Serve answers searches by words, image, vector, item and, with --decoder, by scan, over REST and on a page.\n" +
			"Words need an index that was built with the model of a CLIP.\n" +
			"An index of vectors that were made elsewhere is served without a model: by vector, item and filter.\n" +
			"Given a folder of images, it first indexes what is new there, in the cache.\n" +
			"Each of --collections is searched with the model that it was made with, which is opened when it is first asked for.\n" +
			"An index in a folder is served as it is at the start; others may read, write and serve it meanwhile.\n" +
			"Ctrl-C ends it after the requests under way.",
		Example: "  engram serve ~/Pictures\n" +
			"  engram serve --index photos.index --addr 0.0.0.0:8080\n" +
			"  engram serve --index digits.index --decoder decoder --voxels voxels.npy --trials trials.csv",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := set.read(cmd, args, c.getenv); err != nil {
				return err
			}
			if set.print {
				return set.write(c.stdout, cmd)
			}
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
			return c.serve(cmd.Context(), spec, listen)
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
	flags.StringVar(&spec.ID, "subject", "", "name of the subject of --decoder, in addresses (default default)")
	flags.StringVar(&spec.Subjects, "subjects", "", "table `file` of other subjects, a line each: subject, decoder, and some of voxels, mask, labels, regions, trials, column")
	operationFlags(flags, &spec, &listen)
	set.addFlags(flags)
	return cmd
}

// operationFlags say where a server listens, who may ask, and how much.
func operationFlags(flags *pflag.FlagSet, spec *app.ServeSpec, listen *app.ListenSpec) {
	flags.StringVar(&listen.Addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	flags.StringVar(&listen.Admin, "admin-addr", "", "`address` for Prometheus's /metrics and for /debug/pprof/, such as 127.0.0.1:9090 (default none)")
	flags.StringVar(&listen.Cert, "tls-cert", "", "`file` of the certificate chain for TLS, PEM")
	flags.StringVar(&listen.Key, "tls-key", "", "`file` of its private key, PEM")
	flags.StringVar(&spec.Keys, "keys", "", "`file` of the API keys that clients need (see engram key; default: they need none)")
	flags.StringSliceVar(&spec.Proxies, "trusted-proxies", nil, "`addresses` or networks of proxies before the server, which tell it the addresses of its clients")
	flags.StringSliceVar(&spec.Hosts, "hosts", nil, "`names`, beside localhost, by which clients on this machine may ask a server without keys, such as a proxy's")
	flags.StringVar(&spec.Collections, "collections", "", "`folder` of other indexes, which are served by their names")
	flags.IntVar(&spec.MaxModels, "max-models", app.DefaultMaxModels, "models of --collections that are open at once, beside the model of --index; a CLIP is two, of words and of pictures")
	flags.StringVar(&spec.Snapshots, "snapshots", "", "`folder` for the snapshots that administrators ask for (default: none are made)")
	flags.StringVar(&spec.Jobs, "jobs", "", "`folder` for jobs, such as the reconstruction of a scan (default: none are run)")
	flags.StringVar(&spec.Workspace, "workspace", "", "`folder` whose files administrators may name in jobs that train decoders and build collections, and in which decoders are written (default: there are no such jobs)")
	flags.StringVar(&spec.Autoencoder, "autoencoder", "", "`name` or folder of the model of kind vae that makes pictures of scans (default "+app.ScenesAutoencoder+")")
	flags.StringVar(&spec.Denoiser, "denoiser", "", "`name` or folder of the model of kind denoiser that does so (default "+app.ScenesDenoiser+")")
	flags.BoolVar(&spec.FetchImages, "fetch-images", false, "let clients of clip-retrieval's routes search by the address of a picture, which is fetched from public addresses alone")
	flags.BoolVar(&spec.Writable, "writable", false, "let clients write: put and delete items. Nothing else may write to the index meanwhile")
	flags.StringSliceVar(&spec.Batch.Uses, "batch", app.DefaultBatchUses(), "`models` whose runs are shared by requests that come at the same time: some of image, text, decoder, or none")
	flags.IntVar(&spec.Batch.Size, "batch-size", 16, "requests that share a run at most")
	flags.DurationVar(&spec.Batch.Wait, "batch-wait", 0, "time that a request waits for others to share its run, beside the runs before it (default 0s: none)")
	l := &spec.Limits
	flags.Float64Var(&l.Rate, "rate", 0, "requests a second of each key, or of each address without keys, on average (default: no bound)")
	flags.IntVar(&l.Burst, "burst", 0, "requests of one client at once (default twice --rate)")
	flags.IntVar(&l.MaxRunning, "max-running", 0, "searches that run at once (default 16 for each processor)")
	flags.IntVar(&l.MaxWaiting, "max-waiting", 1024, "searches that wait for their turn; others are refused")
	flags.IntVar(&l.MaxConnections, "max-connections", 4096, "connections at once; for a new one the one that waits for a request longest is closed")
	flags.Int64Var(&l.MaxBodiesBytes, "max-bodies", 0, "`bytes` of the bodies of all requests at once, beside the first 64 KiB of each (default 16 times --max-body)")
	flags.Int64Var(&l.MaxBodyBytes, "max-body", 32<<20, "`bytes` of the body of a request")
	flags.IntVar(&l.MaxK, "max-k", 1000, "hits of one search")
	flags.DurationVar(&l.SearchTimeout, "search-timeout", 30*time.Second, "time of one search")
	flags.DurationVar(&l.ReadTimeout, "read-timeout", 15*time.Second, "time of what needs no search")
	flags.DurationVar(&l.WriteTimeout, "write-timeout", 2*time.Minute, "time of one write")
	flags.DurationVar(&l.DrainTimeout, "drain-timeout", 20*time.Second, "time for running requests at the end")
	for _, name := range []string{"rate", "burst", "max-running", "max-bodies"} {
		flags.Lookup(name).DefValue = "" // in the help, or else 0
	}
}

// serve serves until ctx ends.
func (c *console) serve(ctx context.Context, spec app.ServeSpec, listen app.ListenSpec) (err error) {
	spec.Traces = tracesEndpoint(c.getenv)
	service, err := show(ctx, c, c.app().OpenService, spec)
	if err != nil {
		return err
	}
	defer closeInto(&err, service)
	listening, err := app.Listen(ctx, listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, listening.URL())
	if admin := listening.AdminURL(); admin != "" {
		fmt.Fprintln(c.stderr, "metrics are at "+admin)
	}
	return service.Serve(ctx, listening)
}

// tracesEndpoint returns the address that spans are sent to, or "" when none is set. It reads
// OpenTelemetry's standard variables (OpenTelemetry Protocol Exporter, "Endpoint URLs for
// OTLP/HTTP").
func tracesEndpoint(getenv func(string) string) string {
	if endpoint := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); base != "" {
		return strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	return ""
}
