package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/model"

	"github.com/spf13/cobra"
)

func (c *console) modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Make and inspect models",
		Long:  "A model is a folder with ONNX files and a bundle.json that says what they are\nand how an image becomes their input.",
		Example: "  engram model wrap mobilenetv2.onnx --out mobilenetv2 --name mobilenetv2 \\\n" +
			"      --output features --mean .5,.5,.5 --std .5,.5,.5 --resize bilinear\n" +
			"  engram model show mobilenetv2",
	}
	cmd.AddCommand(c.modelWrapCommand(), c.modelShowCommand())
	return cmd
}

// wrapFlags are the flags of model wrap.
type wrapFlags struct {
	out, kind, name, version, licence, source string
	input, output                             string
	size                                      int
	resize, crop                              string
	antialias                                 bool
	span, mean, std                           []float64
}

func (c *console) modelWrapCommand() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "wrap MODEL.onnx",
		Short: "Make a model of one bare ONNX file",
		Long: "Wrap copies an ONNX image encoder into a folder and writes its bundle.json. The graph takes\n" +
			"[n,3,S,S] float32 and gives [n,D] or, for kind clip, [n,T,D]; T and D are read from a run.\n" +
			"The preprocessing must be the one that the model was trained with.",
		Example: "  engram model wrap mobilenetv2.onnx --out mobilenetv2 --name mobilenetv2 \\\n" +
			"      --output features --mean .5,.5,.5 --std .5,.5,.5 --resize bilinear",
		Args: oneArgument("an ONNX file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := f.manifest(args[0])
			if err != nil {
				return err
			}
			b, err := show(cmd.Context(), c, c.app().Wrap, app.WrapSpec{Model: args[0], Out: f.out, Manifest: *m, Input: f.input, Output: f.output})
			if err != nil {
				return err
			}
			return c.printModel(b)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "`folder` of the model (required)")
	flags.StringVar(&f.kind, "kind", "features", "features (one vector per image) or clip")
	flags.StringVar(&f.name, "name", "", "name of the model (default: the file's)")
	flags.StringVar(&f.version, "version", "1", "version of the model")
	flags.StringVar(&f.licence, "licence", "not stated", "licence of the weights, as an SPDX identifier where there is one")
	flags.StringVar(&f.source, "source", "", "where the weights come from (default: the file)")
	flags.StringVar(&f.input, "input", "", "name of the image input (default: the only one)")
	flags.StringVar(&f.output, "output", "", "name of the embedding output (default: the only one)")
	flags.IntVar(&f.size, "size", 0, "side of the input in pixels (default: what the model declares, else 224)")
	flags.StringVar(&f.resize, "resize", "bicubic", "filter: bicubic or bilinear")
	flags.BoolVar(&f.antialias, "antialias", true, "resize like Pillow; =false: like PyTorch's interpolate")
	flags.StringVar(&f.crop, "crop", "center", "center (shorter side to size, then the middle) or none (squeeze)")
	flags.Float64SliceVar(&f.span, "range", []float64{0, 1}, "what the bytes 0 and 255 become, before mean and std")
	flags.Float64SliceVar(&f.mean, "mean", []float64{0, 0, 0}, "subtracted from R, G and B")
	flags.Float64SliceVar(&f.std, "std", []float64{1, 1, 1}, "R, G and B are divided by")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// manifest is what the flags say, but for what the model itself tells.
func (f wrapFlags) manifest(file string) (*model.Manifest, error) {
	if f.name == "" {
		f.name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	if f.source == "" {
		f.source = filepath.Base(file)
	}
	m := &model.Manifest{
		Kind: model.Kind(f.kind), Name: f.name, Version: f.version, Licence: f.licence, Source: f.source, ImageSize: f.size,
		Preprocess: &model.Preprocess{Filter: f.resize, Antialias: f.antialias, Crop: f.crop},
	}
	if m.Kind != model.Features && m.Kind != model.CLIP {
		return nil, fmt.Errorf("--kind is %q, wanted features or clip", f.kind)
	}
	p := m.Preprocess
	for _, numbers := range []struct {
		flag string
		from []float64
		to   []float64
	}{{"--range", f.span, p.Range[:]}, {"--mean", f.mean, p.Mean[:]}, {"--std", f.std, p.Std[:]}} {
		if len(numbers.from) != len(numbers.to) {
			return nil, fmt.Errorf("%s has %d numbers, wanted %d", numbers.flag, len(numbers.from), len(numbers.to))
		}
		copy(numbers.to, numbers.from)
	}
	return m, nil
}

func (c *console) modelShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show DIR",
		Short:   "Check a model and print what it is",
		Long:    "Show checks the manifest and the checksum of every file, and prints what the model is.\nDIR may be pixels, the built-in model.",
		Example: "  engram model show mobilenetv2\n  engram model show pixels --json",
		Args:    oneArgument("the folder of a model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := c.app().OpenModel(cmd.Context(), args[0], nil)
			if err != nil {
				return err
			}
			if !asJSON {
				return c.printModel(m)
			}
			return c.printJSON(struct {
				Dir         string         `json:"dir"`
				Fingerprint string         `json:"fingerprint"`
				Manifest    model.Manifest `json:"manifest"`
			}{m.Dir(), m.Fingerprint(), m.Manifest})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printModel prints what a model is, one fact a line.
func (c *console) printModel(m *model.Model) error {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("model", "%s (%s)", app.Label(m), m.Kind)
	line("folder", "%s", m.Dir())
	line("fingerprint", "%s", m.Fingerprint())
	line("licence", "%s", m.Licence)
	line("source", "%s", m.Source)
	if m.D > 0 {
		line("embedding", "%d token(s) of %d elements", m.T, m.D)
	}
	if p := m.Preprocess; p != nil {
		line("input", "%d×%d pixels, %s, antialias %t, crop %s, range %v, mean %v, std %v",
			m.ImageSize, m.ImageSize, p.Filter, p.Antialias, p.Crop, p.Range, p.Mean, p.Std)
	}
	if m.Voxels > 0 {
		line("voxels", "%d", m.Voxels)
		line("target", "%s", m.Target)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		info, err := os.Stat(m.Path(name))
		if err != nil {
			return err
		}
		line("file", "%s (%d bytes)", name, info.Size())
	}
	_, err := fmt.Fprint(c.stdout, text.String())
	return err
}
