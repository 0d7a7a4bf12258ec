package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/progress"
	"engram/data/vfs"

	"github.com/spf13/cobra"
)

const demoHelp = "Demo needs no data: it draws a gallery of scenes, indexes it, simulates the scans of a subject who\n" +
	"looks at some of them, trains decoders, scores them on scenes that they have not seen, and serves the\n" +
	"page with the scans of those. Scenes are drawings and nobody was scanned. What is done is kept: an\n" +
	"interrupted demo goes on where it was, and a second one starts at once. One of another seed or scale\n" +
	"takes its place.\n" +
	"\n" +
	"--seeds measures several subjects, each with scenes of its own, and prints every figure with its mean\n" +
	"and 95 % interval over subjects. It reconstructs and serves nothing. The figures of a finished subject\n" +
	"are kept, and its scenes and scans are deleted."

// demoFlags are the flags of demo.
type demoFlags struct {
	demo.Options
	scale, addr string
	noServe     bool
	seeds       []uint
	json        bool
	csv         string
}

func (c *console) demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Show the whole system on generated scenes and a simulated subject",
		Long:    demoHelp,
		Example: "  engram demo\n  engram demo --no-serve --seed 7 --out demo7\n  engram demo --no-serve --seeds 1,7,42 --csv subjects.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if len(f.seeds) > 0 {
				return c.demoSubjects(cmd.Context(), f)
			}
			return c.demo(cmd.Context(), f.Options, f.addr)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Dir, "out", "", "`folder` for everything that is made (default demo in the cache)")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed of everything random; the same seed gives the same scores")
	flags.UintSliceVar(&f.seeds, "seeds", nil, "measure a subject for each of these `seeds`, with --no-serve")
	flags.StringVar(&f.scale, "scale", demo.Scales()[0].Name, "how much of everything: "+scaleNames())
	flags.BoolVar(&f.noServe, "no-serve", false, "end after the table")
	flags.BoolVar(&f.json, "json", false, "print JSON, with --seeds")
	flags.StringVar(&f.csv, "csv", "", "write every figure to this CSV `file`, with --seeds")
	flags.StringVar(&f.MindEye, "export-mindeye", "", "write the simulated scans to this `folder` too, in the layout that engram train --mindeye reads")
	flags.IntVar(&f.Subjects, "export-subjects", 1, "how many simulated subjects --export-mindeye writes: they share the test scenes, and others have training scenes of their own")
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	for _, other := range []string{"seed", "export-mindeye", "addr"} {
		cmd.MarkFlagsMutuallyExclusive("seeds", other)
	}
	return cmd
}

// scaleNames names the scales of a demo.
func scaleNames() string {
	var names []string
	for _, scale := range demo.Scales() {
		names = append(names, scale.Name)
	}
	return strings.Join(names, " or ")
}

// check finds the scale, and refuses flags that do not fit together.
func (f *demoFlags) check() error {
	for _, known := range demo.Scales() {
		if known.Name == f.scale {
			f.Scale = known
		}
	}
	if f.Scale.Name == "" {
		return fmt.Errorf("--scale is %q, wanted %s", f.scale, scaleNames())
	}
	if len(f.seeds) > 0 && !f.noServe {
		return errors.New("--seeds needs --no-serve: several subjects are measured, and none is served")
	}
	if len(f.seeds) == 0 && (f.json || f.csv != "") {
		return errors.New("--json and --csv need --seeds")
	}
	if f.Subjects != 1 && f.MindEye == "" {
		return errors.New("--export-subjects needs --export-mindeye")
	}
	if f.Subjects < 1 || f.Subjects > 8 {
		return fmt.Errorf("--export-subjects is %d, wanted 1 to 8", f.Subjects)
	}
	if f.noServe {
		f.addr = ""
	}
	return evalFiles{csv: f.csv}.check()
}

// demoSubjects measures several subjects and prints what was found.
func (c *console) demoSubjects(ctx context.Context, f demoFlags) (err error) {
	dir, lock, err := demo.Claim(c.app(), f.Dir)
	if err != nil {
		return err
	}
	defer closeInto(&err, lock)
	f.Dir = dir
	var seeds []uint64
	for _, seed := range f.seeds {
		seeds = append(seeds, uint64(seed))
	}
	a := c.app()
	found, err := show(ctx, c, func(ctx context.Context, opts demo.Options, watch progress.Func) (*demo.SubjectsReport, error) {
		return demo.RunSubjects(ctx, a, opts, seeds, watch)
	}, f.Options)
	if err != nil {
		return err
	}
	if f.csv != "" {
		if err := vfs.WriteFile(f.csv, found.CSV); err != nil {
			return err
		}
	}
	if f.json {
		return c.printJSON(found)
	}
	return found.Print(c.stdout)
}

// demo runs the demo, prints its table and serves it, unless addr is "".
func (c *console) demo(ctx context.Context, opts demo.Options, addr string) (err error) {
	dir, lock, err := demo.Claim(c.app(), opts.Dir)
	if err != nil {
		return err
	}
	defer closeInto(&err, lock)
	opts.Dir = dir
	if addr != "" {
		if err := tryAddress(ctx, addr); err != nil {
			return err
		}
	}
	result, err := show(ctx, c, runDemo(c.app()), opts)
	if err != nil {
		return err
	}
	if err := result.Report.Print(c.stdout); err != nil || addr == "" {
		return err
	}
	return c.serve(ctx, result.Service(), app.ListenSpec{Addr: addr})
}

// runDemo is demo.Run as an operation.
func runDemo(a *app.App) operation[demo.Options, *demo.Result] {
	return func(ctx context.Context, opts demo.Options, watch progress.Func) (*demo.Result, error) {
		return demo.Run(ctx, a, opts, watch)
	}
}

// tryAddress finds out whether a server could listen, which is better known
// before minutes of work than after them.
func tryAddress(ctx context.Context, addr string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	return listener.Close()
}
