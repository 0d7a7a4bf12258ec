package main

import (
	"fmt"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) modelListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the installed models and the catalogue",
		Long: "List prints the models that engram carries, the installed ones, and the ones that the\n" +
			"catalogue offers. Any other repository is fetched as hf:owner/name.",
		Example: "  engram model list\n  engram model list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			models, err := c.app().ListModels()
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(models)
			}
			return c.printModels(models)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printModels prints a table of models.
func (c *console) printModels(models []app.Listed) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIM\tPIXELS\tWORDS\tSIZE\tLICENCE\tSTATE\tGOOD FOR")
	for _, m := range models {
		dim, pixels, words := "–", "–", "no"
		if m.Dim > 0 {
			dim, pixels = fmt.Sprint(m.Dim), fmt.Sprint(m.Pixels)
		}
		if m.Words {
			words = "yes"
		}
		size := "–"
		if m.Bytes > 0 {
			size = app.Megabytes(m.Bytes)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, dim, pixels, words, size, m.Licence, m.State, m.GoodFor)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, "engram model get NAME fetches one, and so does --model NAME; any other repository with ONNX files is hf:owner/name")
	return err
}
