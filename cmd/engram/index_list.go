package main

import (
	"fmt"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) indexListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list FOLDER",
		Short: "Say which indexes are in a folder",
		Long: "List prints the indexes in a folder, and the folder itself if it is one: items, elements of a vector, model,\n" +
			"size on disk, and damage that opening finds. A folder of indexes needs no more than that: each is used by\n" +
			"its path, FOLDER/NAME, is made by index build and deleted by index drop, and has a writer of its own.",
		Example: "  engram index list ~/indexes\n" +
			"  engram search --index ~/indexes/photos --text 'a red bus'",
		Args: oneArgument("a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := show(cmd.Context(), c, c.app().ListIndexes, args[0])
			switch {
			case err != nil:
				return err
			case asJSON:
				return c.printJSON(list)
			}
			return c.printList(args[0], list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printList prints a table of indexes.
func (c *console) printList(folder string, list []app.ListedIndex) error {
	if len(list) == 0 {
		_, err := fmt.Fprintf(c.stdout, "%s: no index\n", folder)
		return err
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "index\titems\tdim\tmodel\tMB\tdamage")
	for _, x := range list {
		damage := "none found"
		if x.Damage != "" {
			damage = printable(x.Damage)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%.1f\t%s\n", printable(x.Index), x.Items, x.Dim, printable(x.Model), float64(x.Bytes)/1e6, damage)
	}
	return table.Flush()
}
