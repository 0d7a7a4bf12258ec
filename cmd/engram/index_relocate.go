package main

import (
	"errors"
	"fmt"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) indexRelocateCommand() *cobra.Command {
	var spec app.RelocateSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "relocate INDEX FOLDER",
		Short: "Tell an index where its photos are now",
		Long: "Relocate changes where an index says that its photos are, for a folder that was moved or has another path\n" +
			"in a container. It looks for a sample of the files first. Ids and vectors stay, and a build from the new\n" +
			"place goes on.",
		Example: "  engram index relocate photos.index /mnt/photos\n" +
			"  engram index relocate photos.index /mnt/phone --from /home/me/phone --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("wanted an index and the folder where its photos are now")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Index, spec.To = args[0], args[1]
			moved, err := show(cmd.Context(), c, c.app().Relocate, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(moved)
			}
			_, err = fmt.Fprintf(c.stdout, "what was in %s is in %s now: %d of %d files looked for are there\n", moved.From, moved.To, moved.Found, moved.Sampled)
			return err
		},
	}
	cmd.Flags().StringVar(&spec.From, "from", "", "of an index of several sources, the `folder` that has moved, as it was")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
