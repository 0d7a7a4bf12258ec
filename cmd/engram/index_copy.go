package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"engram/index"
	"engram/index/copyindex"
	"engram/index/source"

	"github.com/spf13/cobra"
)

func (a *console) indexCopyCommand() *cobra.Command {
	var opts copyindex.Options
	var set collectionFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy an index, to another engine too, and prove the copy",
		Long: "Copy puts the items of one index into another, which it makes where there is none. What is there already\n" +
			"is left alone, so that a copy that was broken off goes on where it was and a later one brings it up to\n" +
			"date. Then both are read side by side and compared: ids and payloads exactly, vectors to rounding.\n" +
			"Items that TO cannot hold, such as texts that are not UTF-8 in a collection, are listed, and the command\n" +
			"fails once all others are copied. Nobody else may write to the indexes meanwhile.",
		Example: "  engram index copy photos.index backup.index\n" +
			"  engram index copy photos.index qdrant://localhost:6334/photos\n" +
			"  engram index copy qdrant://localhost:6334/photos photos.index --prune --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("wanted an index and where to copy it, found %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := a.copyIndex(cmd.Context(), args[0], args[1], set, opts)
			if err != nil && !errors.Is(err, copyindex.ErrRefused) {
				return err
			}
			if asJSON {
				return errors.Join(a.printJSON(report), err)
			}
			a.printRefused(report)
			fmt.Fprintf(a.stdout, "%d items: added %d, changed %d, unchanged %d, extra %d (deleted %d); largest deviation %.1g; digest %s; %.1f s\n",
				report.Items, report.Added, report.Changed, report.Unchanged, report.Extra, report.Pruned, report.MaxDeviation, report.Digest, report.Seconds)
			return err
		},
	}
	flags := cmd.Flags()
	set.add(flags)
	flags.BoolVar(&opts.Prune, "prune", false, "delete the items of TO that FROM does not have")
	flags.IntVar(&opts.Batch, "batch", 256, "items in one write")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return cmd
}

// copyIndex copies an index, with what it remembers of its origin. A copy of an
// index of other images is refused, whose paths would lead nowhere.
func (a *console) copyIndex(ctx context.Context, from, to string, set collectionFlags, opts copyindex.Options) (_ *copyindex.Report, err error) {
	if opts.Batch < 1 {
		return nil, fmt.Errorf("--batch is %d, wanted 1 or more", opts.Batch)
	}
	if err := set.check(to); err != nil {
		return nil, err
	}
	if from == to || !isCollection(from) && filepath.Clean(from) == filepath.Clean(to) {
		return nil, fmt.Errorf("wanted two indexes, found %s twice", from)
	}
	original, origin, err := a.openIndex(ctx, from)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, original)
	info, err := original.Info(ctx)
	if err != nil {
		return nil, err
	}
	target, old, err := a.openIndex(ctx, to)
	if errors.Is(err, index.ErrNotFound) {
		target, err = a.makeIndex(ctx, to, info, set)
	}
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, target)
	if there := old.String(); there != "" && there != origin.String() {
		return nil, fmt.Errorf("%s is the index of %s, %s that of %s: choose another one to copy to", to, there, from, origin)
	}
	display := a.display()
	defer display.finish()
	opts.Progress = display.report
	report, err := copyindex.Copy(ctx, original, target, opts)
	if err != nil && !errors.Is(err, copyindex.ErrRefused) || origin == (source.Origin{}) {
		return report, err
	}
	if failed := source.KeepOrigin(ctx, target, origin); failed != nil {
		return report, failed
	}
	return report, err
}

// printRefused lists the items that an index did not take.
func (a *console) printRefused(r *copyindex.Report) {
	for _, item := range r.Refusals {
		name := source.NameOf(index.Item{ID: item.ID, Payload: item.Payload})
		fmt.Fprintf(a.stderr, "refused %s: %s\n", printable(name), item.Reason)
	}
	if more := r.Refused - len(r.Refusals); more > 0 {
		fmt.Fprintf(a.stderr, "refused %d more\n", more)
	}
}

// printable returns a name as it is where a terminal can show it, or else quoted.
func printable(name string) string {
	if quoted := strconv.Quote(name); len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}
