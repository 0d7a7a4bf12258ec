package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *console) indexCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "index",
		Short:   "Build indexes and look after them",
		Long:    "Index has the commands that make an index and work on one as a whole.",
		Example: "  engram index build ~/Pictures --out photos.index",
		RunE:    helpOrUnknown,
	}
	cmd.AddCommand(c.indexBuildCommand(), c.indexJoinCommand(), c.indexCopyCommand(), c.indexRelocateCommand(), c.indexVerifyCommand(), c.indexRepairCommand(), c.indexInfoCommand(), c.indexListCommand(), c.indexOptimiseCommand(), c.indexPutCommand(), c.indexDeleteCommand(), c.indexSnapshotCommand(), c.indexDropCommand(), c.indexSwitchCommand())
	return cmd
}

// helpOrUnknown prints the help of a command that only has commands below it, and
// refuses the name of one that it has not.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command %q for %q (see %s --help)", args[0], cmd.CommandPath(), cmd.CommandPath())
	}
	return cmd.Help()
}
