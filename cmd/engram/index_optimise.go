package main

import (
	"fmt"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) indexInfoCommand() *cobra.Command {
	return c.indexReportCommand(&cobra.Command{
		Use:   "info INDEX",
		Short: "Say what an index is and how its items are found",
		Long: "Info prints what an index holds and the payload keys that it has indexes of. Of a folder it prints for\n" +
			"each graph the share of the k nearest items that walks over it found when it was built, by effort: for\n" +
			"queries like the items, and for distant ones, as texts are among images. A search takes the least effort\n" +
			"that reaches its --recall for its kind. Items that are in no graph are compared with the query one by one.",
		Example: "  engram index info photos.index\n" +
			"  engram index info qdrant://localhost:6334/photos --json",
	}, func() operation[string, *app.IndexReport] { return c.app().IndexInfo })
}

func (c *console) indexOptimiseCommand() *cobra.Command {
	return c.indexReportCommand(&cobra.Command{
		Use:   "optimise INDEX",
		Short: "Make searches of an index as fast as they can be",
		Long: "Optimise writes the items of a folder as one piece without the deleted ones, builds its graph, and\n" +
			"prints what info prints. A build, a copy and a join do so for what they add, so that it is needed\n" +
			"after many items were deleted or added in small parts. It writes the index once more before the old\n" +
			"files go, and others search it meanwhile. Below 20,000 items comparing each with the query is as fast,\n" +
			"and no graph is built.",
		Example: "  engram index optimise photos.index",
	}, func() operation[string, *app.IndexReport] { return c.app().Optimise })
}

// indexReportCommand completes a command that does something with an index and
// describes it.
func (c *console) indexReportCommand(cmd *cobra.Command, do func() operation[string, *app.IndexReport]) *cobra.Command {
	var asJSON bool
	cmd.Args = oneArgument("an index")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		report, err := show(cmd.Context(), c, do(), args[0])
		switch {
		case err != nil:
			return err
		case asJSON:
			return c.printJSON(report)
		}
		return c.printIndex(report)
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printIndex prints what an index is, and a table of the levels of its graphs.
func (c *console) printIndex(r *app.IndexReport) error {
	model := r.Model
	if model == "" {
		model = "an unknown model"
	}
	fmt.Fprintf(c.stdout, "%s: %d items of %d elements by %s, engine %s\n", r.Index, r.Items, r.Dim, model, r.Engine)
	if r.Engine != "local" {
		c.printPayloadIndexes(r)
		return nil
	}
	if r.Damage != "" {
		fmt.Fprintf(c.stdout, "damaged, to be repaired by engram index repair: %s\n", oneLine(r.Damage))
	}
	fmt.Fprintf(c.stdout, "%d items are found by a graph, %d by comparing each\n", r.InGraph, r.Items-r.InGraph)
	c.printPayloadIndexes(r)
	for _, g := range r.Graphs {
		fmt.Fprintf(c.stdout, "\ngraph of %d items\n", g.Items)
		table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(table, "k\teffort\trecall\tof distant queries\t\n")
		for _, l := range g.Levels {
			fmt.Fprintf(table, "%d\t%d\t%.3f\t%.3f\t\n", l.K, l.Effort, l.Recall, l.Distant)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (c *console) printPayloadIndexes(r *app.IndexReport) {
	for _, x := range r.Fields {
		size := ""
		if x.Bytes > 0 {
			size = fmt.Sprintf(", %d kB", (x.Bytes+999)/1000)
		}
		fmt.Fprintf(c.stdout, "index of the payload key %s (%s): %d items%s\n", x.Key, x.Kind, x.Items, size)
	}
}
