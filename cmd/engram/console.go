package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"engram/cmd/engram/internal/app"
	"engram/embed/hub"
	"engram/embed/ort"
	"engram/embed/pixels"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// console is what the commands share: the streams and the global flags.
type console struct {
	streams
	cacheFlag, libraryFlag string
	device                 string
	maxPixels              uint32
	offline                bool
	verbose                bool
}

func (c *console) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&c.cacheFlag, "cache", "", "`folder` for fetched and derived files (default $ENGRAM_CACHE, else engram in the user's cache)")
	flags.StringVar(&c.libraryFlag, "onnxruntime", "", "libonnxruntime `file` to use (default $ENGRAM_ONNXRUNTIME, else found or fetched)")
	flags.StringVar(&c.device, "device", "cpu", "where models run: cpu or cuda:N")
	flags.Uint32Var(&c.maxPixels, "max-pixels", pixels.DefaultPixels, "the most `pixels` of an image, width times height; larger ones are refused")
	flags.BoolVar(&c.offline, "offline", false, "fetch nothing: neither models nor ONNX Runtime")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "log which library, model and device are used")
}

// logger writes log lines to stderr.
func (c *console) logger() *slog.Logger {
	level := slog.LevelInfo
	if c.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}

// app returns the application as the global flags and the environment set it
// up.
func (c *console) app() *app.App {
	opts := app.Options{
		Library: ort.OptionsFromEnv(c.getenv), Device: c.device, Logger: c.logger(),
		MaxPixels: int64(c.maxPixels),
		Hub:       hub.FromEnvironment(c.getenv, c.getenv("HOME")),
		Notify:    func(line string) { fmt.Fprintln(c.stderr, printable(line)) },
		QdrantKey: cmp.Or(c.getenv("ENGRAM_QDRANT_API_KEY"), c.getenv("QDRANT_API_KEY")),
	}
	if c.libraryFlag != "" {
		opts.Library.Path = c.libraryFlag
	}
	if c.cacheFlag != "" {
		opts.Library.CacheDir = c.cacheFlag
	}
	if c.offline {
		opts.Library.Offline, opts.Hub.Offline = true, true
	}
	return app.New(opts)
}

// closeInto closes c at the end of a function that returns *err, and returns
// the error of Close where there is no earlier one, which would be its cause.
func closeInto(err *error, c io.Closer) {
	if e := c.Close(); *err == nil {
		*err = e
	}
}

// printJSON writes v to stdout for a program to read.
func (c *console) printJSON(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// oneArgument wants exactly one argument and says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("wanted %s, found %d arguments (see %s --help)", what, len(args), cmd.CommandPath())
		}
		return nil
	}
}
