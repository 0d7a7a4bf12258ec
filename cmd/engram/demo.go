package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/images"
	"engram/data/vfs"
	"engram/embed/ort"
	"engram/httpapi"
	"engram/index"

	"github.com/spf13/cobra"
)

// demoBundle is the embedding of the demo.
const demoBundle = app.ScenesCLIP

func (a *console) demoCommand() *cobra.Command {
	var f demoFlags
	var names []string
	for _, scale := range demo.Scales() {
		names = append(names, scale.Name)
	}
	var scale string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole system on generated scenes and a simulated subject",
		Long: "Demo needs no data: it draws a gallery of scenes, indexes it, simulates the scans of a subject who\n" +
			"looks at some of them, trains decoders, scores them on scenes that they have not seen, and serves the\n" +
			"page with the scans of those. Scenes are drawings and nobody was scanned. What is done is kept: an\n" +
			"interrupted demo goes on where it was, and a second one starts at once. One of another seed or scale\n" +
			"takes its place.",
		Example: "  engram demo\n  engram demo --no-serve --seed 7 --out demo7\n  engram demo --no-serve --export-mindeye webdataset",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, known := range demo.Scales() {
				if known.Name == scale {
					f.scale = known
				}
			}
			if f.scale.Name == "" {
				return fmt.Errorf("--scale is %q, wanted %s", scale, strings.Join(names, " or "))
			}
			return a.demo(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "`folder` for everything that is made (default demo in the cache)")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of everything random; the same seed gives the same scores")
	flags.StringVar(&scale, "scale", names[0], "how much of everything: "+strings.Join(names, " or "))
	flags.BoolVar(&f.noServe, "no-serve", false, "end after the table")
	flags.StringVar(&f.mindEye, "export-mindeye", "", "write the simulated scans to this `folder` too, in the layout that engram train --mindeye reads")
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	return cmd
}

// demoFlags are the flags of demo.
type demoFlags struct {
	out     string
	seed    uint64
	scale   demo.Scale
	noServe bool
	addr    string
	mindEye string // folder for the scans in MindEye's layout
}

// demo runs the demo, prints its table and serves it.
func (a *console) demo(ctx context.Context, f demoFlags) (err error) {
	if f.out, err = a.demoFolder(f.out); err != nil {
		return err
	}
	if !f.noServe {
		// Known now rather than after minutes of work.
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.addr)
		if err != nil {
			return fmt.Errorf("--addr: %w", err)
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	lock, err := vfs.Lock(filepath.Join(f.out, "lock"))
	if errors.Is(err, vfs.ErrHeld) {
		return fmt.Errorf("another demo works in %s, choose another --out: %w", f.out, err)
	}
	if err != nil {
		return err
	}
	defer closeInto(&err, lock)
	result, err := a.runDemo(ctx, f)
	if err != nil {
		return err
	}
	if err := result.Report.Print(a.stdout); err != nil || f.noServe {
		return err
	}
	r := result.Report
	serve := serveFlags{
		index: result.Index, decoder: result.Decoder, addr: f.addr,
		shown: shown{
			index: "engram demo", images: r.Scenes, decoder: "compact, of a simulated subject", scans: r.Subject,
		},
	}
	for _, t := range result.Trials {
		id := index.ID(images.ID(t.Path))
		serve.stored = append(serve.stored, httpapi.Trial{ID: t.ID, Seen: t.Seen, Item: &id, Repeats: t.Repeats})
	}
	return a.serve(ctx, serve)
}

// demoFolder makes the folder for everything and returns its absolute path.
func (a *console) demoFolder(out string) (string, error) {
	if out == "" {
		cache, err := a.cacheDir()
		if err != nil {
			return "", err
		}
		out = filepath.Join(cache, "demo")
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return "", err
	}
	return out, os.MkdirAll(out, 0o755)
}

// runDemo brings the stages about.
func (a *console) runDemo(ctx context.Context, f demoFlags) (_ *demo.Result, err error) {
	b, err := a.openBundle(demoBundle)
	if err != nil {
		return nil, err
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	host := a.demoHost(m)
	if host.Autoencoder, err = a.openBundle(app.ScenesAutoencoder); err != nil {
		return nil, err
	}
	if host.Denoiser, err = a.openBundle(app.ScenesDenoiser); err != nil {
		return nil, err
	}
	return demo.Run(ctx, demo.Options{Dir: f.out, Seed: f.seed, Scale: f.scale, MindEye: f.mindEye, Host: host})
}

// demoHost is what the demo works with, but for the models that make pictures.
func (a *console) demoHost(m *app.Model) demo.Host {
	return demo.Host{
		Bundle: m.Bundle(), Encoder: m, Runtime: m.Runtime(), Session: ort.SessionOptions{Device: a.device},
		Index: func(ctx context.Context, images, out string) error {
			_, err := a.buildIndex(ctx, buildFlags{source: images, bundle: demoBundle, out: out, batch: 16})
			return err
		},
		Progress: func(what, unit string) (func(done, total int64), func()) {
			bar := a.newProgress(what, unit)
			return bar.set, bar.finish
		},
		Log: a.logger(),
	}
}
