package main

import (
	"bufio"
	"fmt"
	"strings"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) indexSnapshotCommand() *cobra.Command {
	var spec app.SnapshotSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "snapshot INDEX",
		Short: "Copy an index as it is at one moment",
		Long: "Snapshot copies an index while others search it and write to it: what was flushed or logged when it\n" +
			"begins, and nothing that is written later. Every byte of a folder is compared with its checksum and then\n" +
			"copied, graphs too; a damaged index is refused. An interrupted snapshot is no index; delete its folder.\n" +
			"A Qdrant server keeps the snapshots of its collections itself, and gives them out over its REST interface:\n" +
			"GET /collections/COLLECTION/snapshots/NAME.",
		Example: "  engram index snapshot photos.index --out photos-monday.index\n" +
			"  engram index snapshot qdrant://localhost:6334/photos",
		Args: oneArgument("an index"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Index = args[0]
			report, err := show(cmd.Context(), c, c.app().Snapshot, spec)
			switch {
			case err != nil:
				return err
			case asJSON:
				return c.printJSON(report)
			case report.OnServer != nil:
				_, err := fmt.Fprintf(c.stdout, "%s: the server keeps the snapshot %s of %d bytes\n", spec.Index, report.OnServer.Name, report.OnServer.Bytes)
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%s: %d items as they were in %s\n", report.Index, report.Items, spec.Index)
			return err
		},
	}
	cmd.Flags().StringVar(&spec.Out, "out", "", "`folder` of the copy, which is made; none for a collection")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) indexDropCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop INDEX",
		Short: "Delete an index",
		Long: "Drop deletes the files of an index, or the collection that a name or an alias stands for, after a\n" +
			"question that is answered by yes. Other files in the folder of an index stay. Who has the folder open\n" +
			"for reading reads on until they close it; one that is open for writing is refused.",
		Example: "  engram index drop photos.index\n" +
			"  engram index drop qdrant://localhost:6334/photos-1 --yes",
		Args: oneArgument("an index"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dropped, err := c.app().Drop(cmd.Context(), args[0], func(what string) bool {
				if yes {
					return true
				}
				fmt.Fprintf(c.stderr, "Delete %s for ever? Answer yes or no: ", printable(what))
				answer, _ := bufio.NewReader(c.stdin).ReadString('\n') // no answer is no
				return strings.TrimSpace(answer) == "yes"
			})
			if err != nil {
				return err
			}
			said := "deleted"
			if !dropped {
				said = "left as it is"
			}
			_, err = fmt.Fprintf(c.stdout, "%s: %s\n", args[0], said)
			return err
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "delete without the question")
	return cmd
}
