package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/model"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// importFlags are the flags of model import.
type importFlags struct {
	app.ImportSpec
	kind, name, version, licence, source string
	precision                            string
	size                                 int
	resize, crop                         string
	antialias                            bool
	span, mean, std                      []float64
}

func (c *console) modelImportCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:     "import FILE.onnx|FOLDER",
		Aliases: []string{"wrap"},
		Short:   "Make a model of files on this machine",
		Long: "Import copies files into a folder and writes its bundle.json, and installs the model under\n" +
			"--as, or puts it into the folder --out.\n\n" +
			"FOLDER holds a model already, or the files of a repository as it is published, such as a\n" +
			"clone: its own files say how images and texts are prepared. --text names the folder of the\n" +
			"text graph where that is published apart.\n\n" +
			"FILE.onnx is a bare image encoder. The graph takes [n,3,S,S] float32 and gives [n,D] or,\n" +
			"for kind clip, [n,T,D]; T and D are read from a run. The preprocessing flags must be as\n" +
			"the model was trained.",
		Example: "  engram model import ~/clip-vit-base-patch32 --as my-clip\n" +
			"  engram model import mobilenetv2.onnx --as mobilenetv2 \\\n" +
			"      --output features --mean .5,.5,.5 --std .5,.5,.5 --resize bilinear",
		Args: oneArgument("an ONNX file or a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(args[0], cmd.Flags())
			if err != nil {
				return err
			}
			m, err := show(cmd.Context(), c, c.app().ImportModel, spec)
			if err != nil {
				return err
			}
			return c.printModel(m)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.As, "as", "", "`name` under which the model is installed (default: of the file or folder)")
	flags.StringVar(&f.Out, "out", "", "`folder` of the model, in place of an installed one")
	flags.StringVar(&f.Text, "text", "", "of a folder: `folder` of the text graph, where it is published apart")
	flags.StringVar(&f.precision, "precision", "", "of a folder: fp16 or int8 weights, where it has them")
	flags.StringVar(&f.name, "name", "", "name of the model in its manifest (default: of the file or folder)")
	flags.StringVar(&f.version, "version", "1", "version of the model")
	flags.StringVar(&f.licence, "licence", "not stated", "licence of the weights, as an SPDX identifier where there is one")
	flags.StringVar(&f.source, "source", "", "where the weights come from (default: the file or folder)")
	f.addGraph(flags)
	cmd.MarkFlagsMutuallyExclusive("as", "out")
	return cmd
}

// graphFlags are the flags that only a bare ONNX file needs.
var graphFlags = []string{"kind", "input", "output", "size", "resize", "antialias", "crop", "range", "mean", "std"}

// addGraph adds the flags that say what a bare ONNX file is.
func (f *importFlags) addGraph(flags *pflag.FlagSet) {
	flags.StringVar(&f.kind, "kind", "features", "of a file: features (one vector per image) or clip")
	flags.StringVar(&f.Input, "input", "", "of a file: name of the image input (default: the only one)")
	flags.StringVar(&f.Output, "output", "", "of a file: name of the embedding output (default: the only one)")
	flags.IntVar(&f.size, "size", 0, "of a file: side of the input in pixels (default: what the model declares, else 224)")
	flags.StringVar(&f.resize, "resize", "bicubic", "of a file: filter, one of nearest, box, bilinear, hamming, bicubic, lanczos")
	flags.BoolVar(&f.antialias, "antialias", true, "of a file: resize like Pillow; =false: like PyTorch's interpolate")
	flags.StringVar(&f.crop, "crop", "center", "of a file: center (shorter side to size, then the middle), none (squeeze) or pad (longer side to size)")
	flags.Float64SliceVar(&f.span, "range", []float64{0, 1}, "of a file: what the bytes 0 and 255 become, before mean and std")
	flags.Float64SliceVar(&f.mean, "mean", []float64{0, 0, 0}, "of a file: subtracted from R, G and B")
	flags.Float64SliceVar(&f.std, "std", []float64{1, 1, 1}, "of a file: R, G and B are divided by")
}

// spec returns what the flags say of a file or folder.
func (f importFlags) spec(from string, flags *pflag.FlagSet) (app.ImportSpec, error) {
	spec := f.ImportSpec
	spec.From = from
	base, err := filepath.Abs(from)
	if err != nil {
		return spec, err
	}
	base = strings.TrimSuffix(filepath.Base(base), ".onnx")
	if spec.As == "" {
		spec.As = base
	}
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		return f.folderSpec(spec, flags)
	}
	for _, name := range []string{"text", "precision"} {
		if flags.Changed(name) {
			return spec, fmt.Errorf("--%s is for folders, and %s is a file", name, from)
		}
	}
	if f.name == "" {
		f.name = base
	}
	if f.source == "" {
		f.source = filepath.Base(from)
	}
	m, err := f.manifest()
	if err != nil {
		return spec, err
	}
	spec.Manifest = *m
	return spec, nil
}

// folderSpec returns what the flags say of a folder.
func (f importFlags) folderSpec(spec app.ImportSpec, flags *pflag.FlagSet) (app.ImportSpec, error) {
	for _, name := range graphFlags {
		if flags.Changed(name) {
			return spec, fmt.Errorf("--%s is for a bare ONNX file, and %s is a folder, whose own files say it", name, spec.From)
		}
	}
	spec.Manifest = model.Manifest{Name: f.name, Version: f.version, Licence: f.licence, Source: f.source, Precision: f.precision}
	if f.precision == "fp32" {
		spec.Manifest.Precision = ""
	}
	return spec, nil
}

// manifest is what the flags say of a bare ONNX file, but for what the file itself tells.
func (f importFlags) manifest() (*model.Manifest, error) {
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
