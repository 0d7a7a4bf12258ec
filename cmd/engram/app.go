package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/embed/bundle"
	"engram/embed/clip"
	"engram/embed/ort"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what the commands share: the global flags and the streams.
type app struct {
	streams
	cacheFlag, libraryFlag string
	device                 string
	verbose                bool
}

func (a *app) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.cacheFlag, "cache", "", "`folder` for fetched and derived files (default $ENGRAM_CACHE, else engram in the user's cache)")
	flags.StringVar(&a.libraryFlag, "onnxruntime", "", "libonnxruntime `file` to use (default $ENGRAM_ONNXRUNTIME, else found or fetched)")
	flags.StringVar(&a.device, "device", "cpu", "where models run: cpu or cuda:N")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log which library, model and device are used")
}

// logger writes log lines to stderr.
func (a *app) logger() *slog.Logger {
	level := slog.LevelInfo
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// libraryOptions says where ONNX Runtime comes from: flag, environment,
// default.
func (a *app) libraryOptions() ort.LibraryOptions {
	opts := ort.OptionsFromEnv(a.getenv)
	if a.libraryFlag != "" {
		opts.Path = a.libraryFlag
	}
	if a.cacheFlag != "" {
		opts.CacheDir = a.cacheFlag
	}
	opts.GPU = strings.HasPrefix(a.device, "cuda")
	return opts
}

// cacheDir returns the absolute path of the cache folder.
func (a *app) cacheDir() (string, error) {
	dir := a.libraryOptions().CacheDir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder, set --cache: %w", err)
		}
		dir = filepath.Join(user, "engram")
	}
	return filepath.Abs(dir)
}

// loadRuntime finds or fetches ONNX Runtime, with a progress bar.
func (a *app) loadRuntime(ctx context.Context) (*ort.Runtime, error) {
	opts := a.libraryOptions()
	bar := a.newProgress("fetching", "bytes")
	defer bar.finish()
	opts.Progress = func(_ string, done, total int64) { bar.set(done, total) }
	rt, err := ort.Load(ctx, opts)
	if err == nil {
		a.logger().Debug("onnxruntime", "version", rt.Version(), "file", rt.Path())
	}
	return rt, err
}

// model is an open image encoder with the library that runs it.
type model struct {
	*clip.Encoder
	runtime *ort.Runtime
}

// openModel opens the image encoder of a bundle.
func (a *app) openModel(ctx context.Context, b *bundle.Bundle) (*model, error) {
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return nil, err
	}
	encoder, err := clip.Open(rt, b, clip.Options{Device: a.device})
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	a.logger().Debug("model", "bundle", bundleLabel(b), "fingerprint", b.Fingerprint(), "device", encoder.Device())
	return &model{Encoder: encoder, runtime: rt}, nil
}

// Close frees the encoder and the library.
func (m *model) Close() error { return errors.Join(m.Encoder.Close(), m.runtime.Close()) }

// closeInto closes c at the end of a function that returns *err, and returns
// the error of Close where there is no earlier one, which would be its cause.
func closeInto(err *error, c io.Closer) {
	if e := c.Close(); *err == nil {
		*err = e
	}
}

// printJSON writes v to stdout for a program to read.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// checkOut refuses to write a bundle into a folder that has anything in it but
// a bundle of one of these kinds, which will be replaced.
func checkOut(dir string, kinds ...bundle.Kind) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := bundle.Open(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not empty and holds no bundle, choose another --out", dir)
	case err != nil:
		return err
	case !slices.Contains(kinds, b.Kind):
		return fmt.Errorf("%s holds the bundle %s of kind %s, choose another --out", dir, bundleLabel(b), b.Kind)
	}
	return nil
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

// bundleLabel is a bundle's name for messages.
func bundleLabel(b *bundle.Bundle) string { return b.Name + " " + b.Version }
