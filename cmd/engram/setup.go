package main

import (
	"cmp"
	"fmt"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) setupCommand() *cobra.Command {
	var spec app.SetupSpec
	var gpu, asJSON bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Find or fetch ONNX Runtime and check that it runs",
		Long: "Setup finds libonnxruntime, or fetches and checks it, and runs a small model with it.\n" +
			"The other commands do the same by themselves when they need it.",
		Example: "  engram setup\n  engram setup --gpu\n  engram setup --onnxruntime /opt/onnxruntime/lib/libonnxruntime.so",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if gpu && !cmd.Flags().Changed("device") {
				c.device = "cuda:0"
			}
			found, err := show(cmd.Context(), c, c.app().Setup, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(found)
			}
			fmt.Fprintf(c.stdout, "library  %s\nversion  %s\nhow      %s\ndevice   %s\ncache    %s\n",
				found.Library, found.Version, found.How, cmp.Or(found.Device, "not run"), found.Cache)
			return nil
		},
	}
	cmd.Flags().BoolVar(&gpu, "gpu", false, "the CUDA build, checked on cuda:0 (or --device)")
	cmd.Flags().BoolVar(&spec.FetchOnly, "fetch-only", false, "run no model, for machines that only prepare others")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
