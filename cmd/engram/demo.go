package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/progress"

	"github.com/spf13/cobra"
)

func (c *console) demoCommand() *cobra.Command {
	var opts demo.Options
	var names []string
	for _, scale := range demo.Scales() {
		names = append(names, scale.Name)
	}
	var scale, addr string
	var noServe bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole system on generated scenes and a simulated subject",
		Long: "Demo needs no data: it draws a gallery of scenes, indexes it, simulates the scans of a subject who\n" +
			"looks at some of them, trains decoders, scores them on scenes that they have not seen, and serves the\n" +
			"page with the scans of those. Scenes are drawings and nobody was scanned. What is done is kept: an\n" +
			"interrupted demo goes on where it was, and a second one starts at once. One of another seed or scale\n" +
			"takes its place.",
		Example: "  engram demo\n  engram demo --no-serve --seed 7 --out demo7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, known := range demo.Scales() {
				if known.Name == scale {
					opts.Scale = known
				}
			}
			if opts.Scale.Name == "" {
				return fmt.Errorf("--scale is %q, wanted %s", scale, strings.Join(names, " or "))
			}
			if noServe {
				addr = ""
			}
			return c.demo(cmd.Context(), opts, addr)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.Dir, "out", "", "`folder` for everything that is made (default demo in the cache)")
	flags.Uint64Var(&opts.Seed, "seed", 1, "seed of everything random; the same seed gives the same scores")
	flags.StringVar(&scale, "scale", names[0], "how much of everything: "+strings.Join(names, " or "))
	flags.BoolVar(&noServe, "no-serve", false, "end after the table")
	flags.StringVar(&opts.MindEye, "export-mindeye", "", "write the simulated scans to this `folder` too, in the layout that engram train --mindeye reads")
	flags.StringVar(&addr, "addr", "127.0.0.1:8080", "`address` to listen on, host:port")
	return cmd
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
	return c.serve(ctx, result.Service(), addr)
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
