package main

import (
	"fmt"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) indexPutCommand() *cobra.Command {
	return c.indexWriteCommand(&cobra.Command{
		Use:   "put INDEX",
		Short: "Add items to an index by JSON lines",
		Long: "Put reads a JSON object per line from its input: \"id\", \"vector\" and \"payload\". An item with that id is\n" +
			"replaced; without \"vector\", the payload of the item that is there is. Lines that arrive together are one\n" +
			"call, 1,000 or about 64 MiB at most, in order; each is found by searches and durable as --durability says.\n" +
			"A line that is refused ends the command; the lines before it are written. An index that keeps tokens takes\n" +
			"lines without \"vector\" alone: engram index build adds images to it.",
		Example: "  engram index put photos.index <items.jsonl\n" +
			"  echo '{\"id\": 7, \"payload\": {\"caption\": \"a cat\"}}' | engram index put photos.index",
	}, func() operation[app.WriteSpec, *app.Written] { return c.app().Put })
}

func (c *console) indexDeleteCommand() *cobra.Command {
	return c.indexWriteCommand(&cobra.Command{
		Use:   "delete INDEX",
		Short: "Remove items from an index by their ids",
		Long:  "Delete reads the id of an item per line from its input. Ids of no item are passed over.",
		Example: "  engram index delete photos.index <ids.txt\n" +
			"  echo 7 | engram index delete photos.index",
	}, func() operation[app.WriteSpec, *app.Written] { return c.app().Delete })
}

// indexWriteCommand completes a command that writes to an index what its input says.
func (c *console) indexWriteCommand(cmd *cobra.Command, do func() operation[app.WriteSpec, *app.Written]) *cobra.Command {
	spec := app.WriteSpec{Input: c.stdin}
	var asJSON bool
	cmd.Args = oneArgument("an index")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		spec.Index = args[0]
		w, err := show(cmd.Context(), c, do(), spec)
		switch {
		case err != nil:
			return err
		case asJSON:
			return c.printJSON(w)
		}
		_, err = fmt.Fprintf(c.stdout, "%s: %d items put, %d payloads set, %d items deleted; it has %d items\n", w.Index, w.Items, w.Payloads, w.Deleted, w.Count)
		return err
	}
	cmd.Flags().StringVar(&spec.Durability, "durability", app.DefaultDurability, "when a call survives: \"flush\": at the end; \"log\": the end of the process at once; \"group\": a power loss too, synced every 10 ms; \"call\": synced at once")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
