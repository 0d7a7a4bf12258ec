package main

import (
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/index/open"

	"github.com/spf13/cobra"
)

func (c *console) indexJoinCommand() *cobra.Command {
	var spec app.JoinSpec
	cmd := &cobra.Command{
		Use:   "join PART…",
		Short: "Make one index of the parts that several builds made",
		Long: "Join copies the items of all parts of a source, as index build --part made them, into one index, and\n" +
			"what is known about their shards with them: a later index build goes on from there. Parts that are not\n" +
			"finished, do not belong together or are missing are refused.",
		Example: "  engram index build laion --out part1 --part 1/2\n" +
			"  engram index build laion --out part2 --part 2/2\n" +
			"  engram index join part1 part2 --out laion.index",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("wanted the parts of an index, found 0 arguments (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Parts = args
			if err := checkCollection(spec.Collection, spec.Out); err != nil {
				return err
			}
			joined, err := show(cmd.Context(), c, c.app().Join, spec)
			if joined != nil {
				for _, report := range joined.Copies {
					c.printRefused(report)
				}
			}
			if err == nil {
				_, err = fmt.Fprintf(c.stdout, "%d items of %d parts\n", joined.Items, len(args))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&spec.Out, "out", "", "`folder` of the new index, or "+open.Form+" (required)")
	addCollection(cmd.Flags(), &spec.Collection)
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}
