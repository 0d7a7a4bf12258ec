// Command engram searches images with words, images and brain scans: it embeds a
// folder of images, learns to map fMRI voxels into the same space, and serves
// both over the command line, REST and a page.
//
// Every command is one file here: it reads flags into a spec, calls an operation
// of internal/app, and prints the result.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in order, the second one at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}))
}

// streams are what a command reads and writes beside its arguments.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// run executes one command line and returns the exit status: 0, 1 after an
// error, which is one line on stderr, or 130 after an interrupt.
func run(ctx context.Context, args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(io.stderr, "engram:", interruption(err))
		return 130
	}
	fmt.Fprintln(io.stderr, "engram:", message(flagError(err)))
	return 1
}

// interruption returns the text of an interrupted command: what stays of it, where it tells.
func interruption(err error) string {
	if unfinished, ok := errors.AsType[*app.UnfinishedError](err); ok {
		return "interrupted: " + unfinished.Stays()
	}
	return "interrupted"
}

// message returns the text of an error as one line. Its lines may be joined errors or
// cobra's suggestions.
func message(err error) string {
	var b strings.Builder
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case b.Len() == 0:
		case strings.HasSuffix(b.String(), "?"):
			b.WriteString(" ")
		default:
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// newRoot returns the command line.
func newRoot(io streams) *cobra.Command {
	c := &console{streams: io}
	root := &cobra.Command{
		Use:           "engram",
		Short:         "Search images with words, an image or a brain scan",
		Long:          "Engram embeds images, indexes them, learns to map fMRI voxels into the same space,\nand finds the images nearest to words, an image or a scan.",
		Example:       "  engram index build ~/Pictures --out photos.index\n  engram search --index photos.index --image cat.jpg\n  engram serve ~/Pictures",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(io.stdout)
	root.SetErr(io.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.SetGlobalNormalizationFunc(flagName)
	c.addFlags(root.PersistentFlags())
	for _, cmd := range []*cobra.Command{
		c.setupCommand(), c.modelCommand(), c.embedCommand(), c.indexCommand(), c.searchCommand(), c.labelCommand(),
		c.trainCommand(), c.reconstructCommand(), c.pretrainCommand(), c.evalCommand(), c.studyCommand(), c.serveCommand(), c.keyCommand(), c.demoCommand(),
		c.planCommand(), c.healthCommand(), c.benchCommand(),
	} {
		root.AddCommand(cmd)
		c.completeModels(cmd)
	}
	return root
}

// flagName returns the name of a flag, given that or an older one: models were
// called bundles once.
func flagName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "bundle":
		name = "model"
	case "assume-bundle":
		name = "assume-model"
	}
	return pflag.NormalizedName(name)
}
