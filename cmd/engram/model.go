package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/model"
	"engram/embed/onnx"

	"github.com/spf13/cobra"
)

func (c *console) modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "model",
		// Models were called bundles once, and import was wrap.
		Aliases: []string{"bundle"},
		Short:   "List, fetch, inspect and remove models",
		Long: "A model is a folder with ONNX files and a bundle.json that says what they are and how an\n" +
			"image becomes their input. Published models are fetched from the Hugging Face hub by a name\n" +
			"of the catalogue or as hf:owner/name, also by --model of the other commands.",
		Example: "  engram model list\n  engram model get clip-vit-b-32\n  engram model show clip-vit-b-32",
		RunE:    helpOrUnknown,
	}
	cmd.AddCommand(c.modelListCommand(), c.modelGetCommand(), c.modelShowCommand(), c.modelRemoveCommand(), c.modelImportCommand())
	return cmd
}

func (c *console) modelShowCommand() *cobra.Command {
	var asJSON bool
	var spec app.ShowSpec
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Check a model and print what it is",
		Long: "Show checks the manifest and the checksum of every file, and prints what the model is. NAME\n" +
			"is a folder, an installed model, or pixels, the built-in model. Checksums of large files\n" +
			"that have not changed are remembered; --verify computes them all and runs the canary.",
		Example:           "  engram model show clip-vit-b-32\n  engram model show mobilenetv2 --verify\n  engram model show pixels --json",
		Args:              oneArgument("the name or the folder of a model"),
		ValidArgsFunction: c.completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Name = args[0]
			found, err := show(cmd.Context(), c, c.app().ShowModel, spec)
			if err != nil {
				return err
			}
			if !asJSON {
				return c.printModel(found)
			}
			return c.printJSON(struct {
				Dir         string         `json:"dir"`
				Fingerprint string         `json:"fingerprint"`
				Bytes       int64          `json:"bytes"`
				Canary      string         `json:"canary"`
				Manifest    model.Manifest `json:"manifest"`
			}{found.Dir(), found.Fingerprint(), found.Bytes, found.Canary, found.Manifest})
		},
	}
	cmd.Flags().BoolVar(&spec.Verify, "verify", false, "compute all checksums, and run the canary")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printModel prints what a model is, one fact a line.
func (c *console) printModel(m *app.Details) error {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("model", "%s (%s)", app.Label(m.Model), m.Kind)
	line("folder", "%s", m.Dir())
	line("fingerprint", "%s", m.Fingerprint())
	line("licence", "%s", m.Licence)
	line("source", "%s", m.Source)
	if m.Precision != "" {
		line("precision", "%s", m.Precision)
	}
	if m.D > 0 {
		line("embedding", "%d token(s) of %d elements", m.T, m.D)
	}
	if p := m.Preprocess; p != nil {
		line("input", "%d×%d pixels, %s, antialias %t, crop %s, range %v, mean %v, std %v",
			m.ImageSize, m.ImageSize, p.Filter, p.Antialias, p.Crop, p.Range, p.Mean, p.Std)
	}
	if _, ok := m.Graphs["text"]; ok && m.Tokenizer != nil {
		line("words", "yes, texts of up to %d tokens", m.Tokenizer.Context)
	} else if m.Kind == model.CLIP {
		line("words", "no text graph")
	}
	if m.Voxels > 0 {
		line("voxels", "%d", m.Voxels)
		line("target", "%s", m.Target)
	}
	for _, role := range slices.Sorted(maps.Keys(m.Graphs)) {
		text, err := describeGraph(m.GraphPath(role))
		if err != nil {
			return err
		}
		line("graph", "%s: %s", role, text)
	}
	if m.Canary != "" {
		line("canary", "%s", m.Canary)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		info, err := os.Stat(m.Path(name))
		if err != nil {
			return err
		}
		line("file", "%s (%d bytes)", name, info.Size())
	}
	line("disk", "%s", app.Megabytes(m.Bytes))
	_, err := fmt.Fprint(c.stdout, text.String())
	return err
}

// describeGraph says what a graph takes and gives, and who wrote it.
func describeGraph(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	s, err := onnx.Inspect(f, info.Size())
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	list := func(values []onnx.Value) string {
		var names []string
		for _, v := range values {
			names = append(names, v.String())
		}
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s → %s; opset %d, written by %s", list(s.Inputs), list(s.Outputs), s.Opsets[""], cmp.Or(s.Producer, "an unknown program")), nil
}
