package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/bundle"
	"engram/embed/ort"

	"github.com/spf13/cobra"
)

func (a *console) bundleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make and inspect model bundles",
		Long:  "A bundle is a folder with a model's ONNX files and a bundle.json that says what they are\nand how an image becomes their input.",
		Example: "  engram bundle wrap mobilenetv2.onnx --out mobilenetv2 --name mobilenetv2 \\\n" +
			"      --output features --mean .5,.5,.5 --std .5,.5,.5 --resize bilinear\n" +
			"  engram bundle show mobilenetv2",
	}
	cmd.AddCommand(a.bundleWrapCommand(), a.bundleShowCommand())
	return cmd
}

// wrapFlags are the flags of bundle wrap.
type wrapFlags struct {
	out, kind, name, version, licence, source string
	input, output                             string
	size                                      int
	resize, crop                              string
	antialias                                 bool
	span, mean, std                           []float64
}

func (a *console) bundleWrapCommand() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "wrap MODEL.onnx",
		Short: "Make a bundle of one bare ONNX image model",
		Long: "Wrap copies an ONNX image encoder into a folder and writes its bundle.json. The model takes\n" +
			"[n,3,S,S] float32 and gives [n,D] or, for kind clip, [n,T,D]; T and D are read from a run.\n" +
			"The preprocessing must be the one that the model was trained with.",
		Example: "  engram bundle wrap mobilenetv2.onnx --out mobilenetv2 --name mobilenetv2 \\\n" +
			"      --output features --mean .5,.5,.5 --std .5,.5,.5 --resize bilinear",
		Args: oneArgument("an ONNX file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.wrap(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "`folder` of the bundle (required)")
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

// wrap runs the model once, to learn the shape of its output, and writes the
// bundle.
func (a *console) wrap(ctx context.Context, file string, f wrapFlags) error {
	m, err := f.manifest(file)
	if err != nil {
		return err
	}
	if err := app.CheckReplaceable(f.out, bundle.Features, bundle.CLIP); err != nil {
		return err
	}
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return err
	}
	defer rt.Close()
	if err := f.inspect(ctx, rt, file, m); err != nil {
		return err
	}
	b, err := bundle.Wrap(f.out, file, *m)
	if err != nil {
		return err
	}
	return a.printBundle(b)
}

// manifest is what the flags say, all but what inspect fills in.
func (f wrapFlags) manifest(file string) (*bundle.Manifest, error) {
	if f.name == "" {
		f.name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	if f.source == "" {
		f.source = filepath.Base(file)
	}
	m := &bundle.Manifest{
		Kind: bundle.Kind(f.kind), Name: f.name, Version: f.version, Licence: f.licence, Source: f.source,
		Preprocess: &bundle.Preprocess{Filter: f.resize, Antialias: f.antialias, Crop: f.crop},
	}
	if m.Kind != bundle.Features && m.Kind != bundle.CLIP {
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

// inspect fills in the tensors' names, the image size, T and D from the model.
func (f wrapFlags) inspect(ctx context.Context, rt *ort.Runtime, file string, m *bundle.Manifest) error {
	session, err := rt.OpenFile(file, ort.SessionOptions{})
	if err != nil {
		return err
	}
	defer session.Close()
	input, err := choose(session.Inputs(), f.input, "input")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	output, err := choose(session.Outputs(), f.output, "output")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	m.ImageSize = f.size
	if m.ImageSize == 0 && len(input.Shape) == 4 && input.Shape[3] > 0 {
		m.ImageSize = int(input.Shape[3])
	}
	if m.ImageSize == 0 {
		m.ImageSize = 224
	}
	if m.ImageSize < 1 || m.ImageSize > maxImageSize {
		return fmt.Errorf("--size is %d pixels, wanted 1 to %d", m.ImageSize, maxImageSize)
	}
	shape := []int64{1, 3, int64(m.ImageSize), int64(m.ImageSize)}
	out := ort.Tensors{output.Name: nil}
	in := ort.Tensors{input.Name: {Shape: shape, Data: make([]float32, 3*m.ImageSize*m.ImageSize)}}
	if err := session.Run(ctx, in, out); err != nil {
		return err
	}
	found := out[output.Name].Shape
	embedding := "embedding"
	switch {
	case len(found) == 2:
		m.T, m.D = 1, int(found[1])
	case len(found) == 3 && found[1] > 1 && m.Kind == bundle.CLIP:
		m.T, m.D = int(found[1]), int(found[2])
		embedding = "tokens"
	default:
		return fmt.Errorf("%s: output %s has shape %v for one image, wanted [1 D] (or, for --kind clip, [1 T D])", file, output.Name, found)
	}
	m.Models = map[string]bundle.Model{"image": {
		Inputs:  map[string]string{"pixels": input.Name},
		Outputs: map[string]string{embedding: output.Name},
	}}
	return nil
}

// maxImageSize bounds the side of an encoder's input, in pixels.
const maxImageSize = 4096

// choose returns the tensor that was named, or the only one there is.
func choose(specs []ort.Spec, name, flag string) (ort.Spec, error) {
	names := make([]string, len(specs))
	for i, spec := range specs {
		if spec.Name == name || name == "" && len(specs) == 1 {
			return spec, nil
		}
		names[i] = spec.Name
	}
	if name == "" {
		return ort.Spec{}, fmt.Errorf("the model has several %ss, choose one with --%s: %s", flag, flag, strings.Join(names, ", "))
	}
	return ort.Spec{}, fmt.Errorf("there is no %s %q, the model has: %s", flag, name, strings.Join(names, ", "))
}

func (a *console) bundleShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show DIR",
		Short:   "Check a bundle and print what it is",
		Long:    "Show checks the manifest and the checksum of every file, and prints what the bundle is.\nDIR may be pixels, the built-in bundle.",
		Example: "  engram bundle show mobilenetv2\n  engram bundle show pixels --json",
		Args:    oneArgument("the folder of a bundle"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := a.openBundle(args[0])
			if err != nil {
				return err
			}
			if !asJSON {
				return a.printBundle(b)
			}
			return a.printJSON(struct {
				Dir         string          `json:"dir"`
				Fingerprint string          `json:"fingerprint"`
				Manifest    bundle.Manifest `json:"manifest"`
			}{b.Dir(), b.Fingerprint(), b.Manifest})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printBundle prints what a bundle is, one fact a line.
func (a *console) printBundle(b *bundle.Bundle) error {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("bundle", "%s (%s)", app.Label(b), b.Kind)
	line("folder", "%s", b.Dir())
	line("fingerprint", "%s", b.Fingerprint())
	line("licence", "%s", b.Licence)
	line("source", "%s", b.Source)
	if b.D > 0 {
		line("embedding", "%d token(s) of %d elements", b.T, b.D)
	}
	if p := b.Preprocess; p != nil {
		line("input", "%d×%d pixels, %s, antialias %t, crop %s, range %v, mean %v, std %v",
			b.ImageSize, b.ImageSize, p.Filter, p.Antialias, p.Crop, p.Range, p.Mean, p.Std)
	}
	if b.Voxels > 0 {
		line("voxels", "%d", b.Voxels)
		line("target", "%s", b.Target)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		info, err := os.Stat(b.Path(name))
		if err != nil {
			return err
		}
		line("file", "%s (%d bytes)", name, info.Size())
	}
	_, err := fmt.Fprint(a.stdout, text.String())
	return err
}
