package main

import (
	"fmt"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) modelGetCommand() *cobra.Command {
	var spec app.GetSpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "get NAME|hf:owner/name[@revision]",
		Short: "Fetch a published model",
		Long: "Get installs a model of the catalogue, or of any repository of the Hugging Face hub that has\n" +
			"ONNX files in a layout that is known. Files are checked against their hashes, a download that\n" +
			"was interrupted goes on where it stopped, and files that Python's huggingface_hub has\n" +
			"fetched before are taken from its cache. --model of the other commands does the same.\n\n" +
			"HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what they mean there.",
		Example: "  engram model get clip-vit-b-32\n  engram model get siglip2-base-patch16-224 --precision fp16\n" +
			"  engram model get hf:Xenova/clip-vit-base-patch16 --as clip-b16\n" +
			"  engram model get hf:Qdrant/clip-ViT-B-32-vision --text hf:Qdrant/clip-ViT-B-32-text",
		Args:              oneArgument("a name of the catalogue or hf:owner/name"),
		ValidArgsFunction: c.completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Name = args[0]
			got, err := show(cmd.Context(), c, c.app().GetModel, spec)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(struct {
					Name        string `json:"name"`
					Dir         string `json:"dir"`
					Fingerprint string `json:"fingerprint"`
					Fetched     bool   `json:"fetched"`
				}{got.Name, got.Dir(), got.Fingerprint(), got.Fresh})
			}
			how := "is installed already"
			if got.Fresh {
				how = "installed"
			}
			_, err = fmt.Fprintf(c.stdout, "%s %s in %s (%s)\n", got.Name, how, got.Dir(), app.SpaceOf(got.Model))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar((*string)(&spec.Precision), "precision", "", "weights in fp32 (default), fp16 (half the size) or int8 (a quarter, and less exact)")
	flags.StringVar(&spec.As, "as", "", "`name` under which the model is installed (default: its own)")
	flags.StringVar(&spec.Text, "text", "", "`repository` of the text graph, where it is published apart")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) modelRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove an installed model",
		Long:              "Remove deletes an installed model, or what has arrived of one whose download was interrupted,\nand says how much room that frees. Indexes keep their vectors; a search by words or by an image\nneeds the model again.",
		Example:           "  engram model remove clip-vit-b-32",
		Args:              oneArgument("the name of an installed model"),
		ValidArgsFunction: c.completeInstalled,
		RunE: func(_ *cobra.Command, args []string) error {
			gone, err := c.app().RemoveModel(args[0])
			if err != nil {
				return err
			}
			what := "removed"
			if gone.Partial {
				what = "removed an unfinished download of"
			}
			_, err = fmt.Fprintf(c.stdout, "%s %s, %s freed (%s)\n", what, gone.Name, app.Megabytes(gone.Bytes), gone.Dir)
			return err
		},
	}
}

// completeModel completes the names of models for a shell.
func (c *console) completeModel(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return c.app().ModelNames(), cobra.ShellCompDirectiveDefault
}

// completeInstalled completes the names of installed models for a shell.
func (c *console) completeInstalled(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	installed, err := c.app().InstalledModels()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, m := range installed {
		names = append(names, m.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
