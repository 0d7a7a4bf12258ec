package main

import (
	"errors"
	"fmt"
	"strconv"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/copyindex"
	"engram/index/source"

	"github.com/spf13/cobra"
)

func (c *console) indexCopyCommand() *cobra.Command {
	var spec app.CopySpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy an index, to another engine too, and prove the copy",
		Long: "Copy puts the items of one index into another, which it makes where there is none. What is there already\n" +
			"is left alone, so that a copy that was broken off goes on where it was and a later one brings it up to\n" +
			"date. Then both are read side by side and compared: ids and payloads exactly, vectors to rounding.\n" +
			"Into an index of another source, what FROM has is added with ids that do not collide.\n" +
			"Items that TO cannot hold, such as texts that are not UTF-8 in a collection, are listed, and the command\n" +
			"fails once all others are copied. A folder is copied as it is at the start; nobody else may write to a\n" +
			"collection meanwhile.",
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
			if spec.Batch < 1 {
				return fmt.Errorf("--batch is %d, wanted 1 or more", spec.Batch)
			}
			spec.From, spec.To = args[0], args[1]
			if err := checkCollection(spec.Collection, spec.To); err != nil {
				return err
			}
			report, err := show(cmd.Context(), c, c.app().Copy, spec)
			if err != nil && !errors.Is(err, copyindex.ErrRefused) {
				return err
			}
			if asJSON {
				return errors.Join(c.printJSON(report), err)
			}
			c.printRefused(report)
			if report.Note != "" {
				fmt.Fprintf(c.stdout, "source: %s\n", printable(report.Note))
			}
			fmt.Fprintf(c.stdout, "%d items: added %d, changed %d, unchanged %d, extra %d (deleted %d); largest deviation %.1g; digest %s; %.1f s\n",
				report.Items, report.Added, report.Changed, report.Unchanged, report.Extra, report.Pruned, report.MaxDeviation, report.Digest, report.Seconds)
			if report.Tokens > 0 {
				fmt.Fprintf(c.stdout, "tokens of %d items, as the copy keeps them; digest %s\n", report.Tokens, report.TokenDigest)
			}
			return err
		},
	}
	flags := cmd.Flags()
	addCollection(flags, &spec.Collection)
	flags.BoolVar(&spec.Prune, "prune", false, "delete the items of TO that FROM does not have")
	flags.IntVar(&spec.Batch, "batch", 256, "items in one write")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return cmd
}

// printRefused lists the items that an index did not take.
func (c *console) printRefused(r *copyindex.Report) {
	for _, item := range r.Refusals {
		name := source.NameOf(index.Item{ID: item.ID, Payload: item.Payload})
		fmt.Fprintf(c.stderr, "refused %s: %s\n", printable(name), item.Reason)
	}
	if more := r.Refused - len(r.Refusals); more > 0 {
		fmt.Fprintf(c.stderr, "refused %d more\n", more)
	}
}

// printable returns a name as it is where a terminal can show it, or else quoted.
func printable(name string) string {
	if quoted := strconv.Quote(name); len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}
