package main

import (
	"fmt"

	"engram/index/open"

	"github.com/spf13/cobra"
)

func (c *console) indexSwitchCommand() *cobra.Command {
	var spec open.Alias
	var aliases []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "switch COLLECTION",
		Short: "Let an alias name another collection",
		Long: "Switch makes an alias of a Qdrant server name a collection, in place of the one that it names now, in\n" +
			"one step: who asks the alias gets an answer from one or the other. So an index is rebuilt while it is\n" +
			"served: build or copy it into a collection of another name, verify that, and switch. A collection that\n" +
			"is still being loaded is refused, and one of vectors of another dimension or model, which those who\n" +
			"ask the alias cannot use.",
		Example: "  engram index copy photos.index qdrant://localhost:6334/photos-2\n" +
			"  engram index switch qdrant://localhost:6334/photos-2 --alias photos\n" +
			"  engram serve --index qdrant://localhost:6334/photos",
		Args: oneArgument("a collection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(aliases) != 1 {
				return fmt.Errorf("wanted one --alias, found %d of them", len(aliases))
			}
			spec.Collection, spec.Name = args[0], aliases[0]
			switched, err := show(cmd.Context(), c, c.app().Switch, spec)
			switch {
			case err != nil:
				return err
			case asJSON:
				return c.printJSON(switched)
			}
			_, err = fmt.Fprintln(c.stdout, switched)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&aliases, "alias", nil, "`name` that is to name the collection (required)")
	flags.BoolVar(&spec.Force, "force", false, "switch also to a collection that would be refused; where dimension or model differ, who has the alias open must open it again")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("alias") // the flag exists
	return cmd
}
