package layout

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"engram/embed/model"
)

// preprocessing is a model's, with S.
type preprocessing struct {
	model.Preprocess
	size int    // S, pixels per side
	file string // where it is written down, for messages
}

// Means and standard deviations that are a family's own where a file is silent: of
// OpenAI's CLIP (open_clip, constants.py) and of SigLIP (transformers,
// image_utils.py).
var (
	clipMean, clipStd = [3]float64{.48145466, .4578275, .40821073}, [3]float64{.26862954, .26130258, .27577711}
	halfMean, halfStd = [3]float64{.5, .5, .5}, [3]float64{.5, .5, .5}
)

// readPreprocess reads the preprocessing of a source that follows transformers.
func readPreprocess(ctx context.Context, l *listing, c *config) (p preprocessing, notes []string, err error) {
	switch name := l.first("preprocessor_config.json", "onnx/preprocessor_config.json", "processor_config.json", "open_clip_config.json"); name {
	case "open_clip_config.json":
		var f struct {
			Preprocess *openPreprocess `json:"preprocess_cfg"`
		}
		if err := readJSON(ctx, l, name, &f); err != nil {
			return p, nil, err
		}
		if f.Preprocess == nil {
			return p, nil, say(ErrLayout, "%s has no preprocess_cfg, which says how images are prepared", name)
		}
		p, err = f.Preprocess.preprocessing(name, c.imageSize(), "")
		return p, nil, err
	case "processor_config.json":
		var f struct {
			Image json.RawMessage `json:"image_processor"`
		}
		if err := readJSON(ctx, l, name, &f); err != nil {
			return p, nil, err
		}
		if len(f.Image) == 0 {
			break
		}
		p, err = parseProcessor(name, f.Image, c)
		return p, nil, err
	case "":
	default:
		var text json.RawMessage
		if err := readJSON(ctx, l, name, &text); err != nil {
			return p, nil, err
		}
		p, err = parseProcessor(name, text, c)
		return p, nil, err
	}
	p, err = defaults(c)
	if err != nil {
		return p, nil, err
	}
	return p, []string{fmt.Sprintf("preprocessor_config.json is missing: images are prepared as %s usually does (%s, %d pixels)", c.ModelType, p.Filter, p.size)}, nil
}

// defaults returns the preprocessing of a family for a repository that does not say.
func defaults(c *config) (preprocessing, error) {
	f := c.family()
	p := preprocessing{size: c.imageSize(), file: "config.json"}
	p.Preprocess = model.Preprocess{Filter: "bicubic", Antialias: true, Crop: "center", Rounding: "floor", Range: [2]float64{0, 1}}
	switch f {
	case clip:
		p.Mean, p.Std = clipMean, clipStd
	case siglip:
		p.Crop, p.Rounding, p.Mean, p.Std = "none", "", halfMean, halfStd
	default:
		return p, say(ErrLayout, "preprocessor_config.json is missing, which says how images are prepared, and config.json names no family (clip, siglip) whose preprocessing is known")
	}
	if p.size == 0 {
		return p, say(ErrLayout, "preprocessor_config.json is missing, and config.json has no image_size")
	}
	return p, nil
}

// processor is what is read of a preprocessor_config.json, of every generation:
// (2021) size and crop_size are numbers; (2022) they are objects, do_rescale comes;
// (2024) _valid_processor_keys; and its part of a processor_config.json (2025).
type processor struct {
	Extractor string    `json:"feature_extractor_type"`
	Processor string    `json:"image_processor_type"`
	Resize    *bool     `json:"do_resize"`
	Size      side      `json:"size"`
	Resample  *int      `json:"resample"`
	Crop      *bool     `json:"do_center_crop"`
	CropSize  side      `json:"crop_size"`
	CropPart  float64   `json:"crop_pct"`
	Rescale   *bool     `json:"do_rescale"`
	Factor    *float64  `json:"rescale_factor"`
	Offset    any       `json:"rescale_offset"`
	Normalize *bool     `json:"do_normalize"`
	Mean      []float64 `json:"image_mean"`
	Std       []float64 `json:"image_std"`
	Pad       *bool     `json:"do_pad"`
}

// class is what an image processor of transformers does where its file is silent.
type class struct {
	square   bool // a number as size is of a square, not of the shorter side
	crop     bool
	resample int
}

// classes of transformers (models/*/image_processing_*.py). A name with Fast at its
// end resizes tensors, which changes the last bit of a pixel, and is the same here.
var classes = map[string]class{
	"CLIPImageProcessor":    {crop: true, resample: 3},
	"SiglipImageProcessor":  {square: true, resample: 3},
	"Siglip2ImageProcessor": {square: true, resample: 2},
	"BitImageProcessor":     {crop: true, resample: 3},
	"ViTImageProcessor":     {square: true, resample: 2},
	"DeiTImageProcessor":    {square: true, crop: true, resample: 3},
}

// className returns the name of the processor's class as classes has it.
func (p *processor) className() string {
	name := cmp.Or(p.Processor, p.Extractor)
	name = strings.TrimSuffix(name, "Fast")
	if base, ok := strings.CutSuffix(name, "FeatureExtractor"); ok {
		name = base + "ImageProcessor"
	}
	return name
}

// filters of package pixels by the numbers that Pillow gives them.
var filters = map[int]string{0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}

// parseProcessor reads a preprocessor_config.json.
func parseProcessor(name string, text []byte, c *config) (preprocessing, error) {
	var open openPreprocess
	if err := decodeJSON(name, text, &open); err == nil && len(open.Mean) > 0 { // as jina-clip
		return open.preprocessing(name, c.imageSize(), "")
	}
	var p processor
	if err := decodeJSON(name, text, &p); err != nil {
		return preprocessing{}, err
	}
	out := preprocessing{file: name}
	kind, err := p.class(c)
	if err == nil {
		err = p.geometry(&out, kind)
	}
	if err == nil {
		err = p.values(&out)
	}
	if err != nil {
		return out, say(ErrLayout, "%s: %w", name, err)
	}
	return out, nil
}

// class returns the class that a file names, else the one of the model's family.
func (p *processor) class(c *config) (class, error) {
	name := p.className()
	if name == "" {
		name = "CLIPImageProcessor"
		if c.family() == siglip {
			name = "SiglipImageProcessor"
		}
	}
	kind, known := classes[name]
	if !known {
		return kind, fmt.Errorf("the image processor is %s, wanted one of CLIP, SigLIP, Bit, ViT or DeiT", name)
	}
	return kind, nil
}

// or returns the value of a member that may be absent.
func or[T any](v *T, absent T) T {
	if v == nil {
		return absent
	}
	return *v
}

// geometry reads how a picture becomes a square.
func (p *processor) geometry(out *preprocessing, kind class) error {
	filter, ok := filters[or(p.Resample, kind.resample)]
	crop := or(p.Crop, kind.crop)
	switch {
	case !ok:
		return fmt.Errorf("resample is %d, wanted 0 to 5 (Pillow's numbers)", *p.Resample)
	case !or(p.Resize, true):
		return fmt.Errorf("do_resize is false, wanted true: the model takes pictures of one size")
	case !p.Size.set:
		return fmt.Errorf("size is missing")
	case p.CropPart > 0:
		return fmt.Errorf("crop_pct is %v, wanted a size and a crop_size", p.CropPart)
	case or(p.Pad, false) || p.Size.longest > 0:
		return fmt.Errorf("pictures are padded (do_pad, longest_edge), wanted a crop or a squash")
	}
	out.Filter, out.Antialias = filter, true
	shortest, square := p.Size.shortest, p.Size.square()
	if p.Size.number > 0 && !kind.square {
		shortest, square = p.Size.number, 0
	}
	if shortest == 0 && square == 0 {
		return fmt.Errorf("size is %d×%d, wanted a square or a shortest_edge", p.Size.width, p.Size.height)
	}
	if square > 0 {
		if crop && p.CropSize.set && p.CropSize.square() != square {
			return fmt.Errorf("size is a square of %d and crop_size is %d, wanted the same", square, p.CropSize.square())
		}
		out.size, out.Crop = square, "none"
		return nil
	}
	if !crop {
		return fmt.Errorf("do_center_crop is false with a shortest_edge, wanted a square in the end")
	}
	out.size, out.Crop, out.Rounding = shortest, "center", "floor"
	if p.CropSize.set {
		if out.size = p.CropSize.square(); out.size == 0 {
			return fmt.Errorf("crop_size is %d×%d, wanted a square", p.CropSize.width, p.CropSize.height)
		}
	}
	switch {
	case out.size > shortest:
		return fmt.Errorf("crop_size is %d and larger than the shortest_edge, %d", out.size, shortest)
	case out.size < shortest:
		out.Resize = shortest
	}
	return nil
}

// values reads how bytes become numbers.
func (p *processor) values(out *preprocessing) error {
	if p.Offset != nil && p.Offset != false {
		return fmt.Errorf("rescale_offset is set, wanted a factor alone")
	}
	out.Range = [2]float64{0, 255}
	if or(p.Rescale, true) {
		out.Range[1] = 255 * or(p.Factor, 1./255)
		if math.Abs(out.Range[1]-1) < 1e-9 {
			out.Range[1] = 1
		}
	}
	out.Mean, out.Std = [3]float64{}, [3]float64{1, 1, 1}
	if !or(p.Normalize, true) {
		return nil
	}
	if len(p.Mean) != 3 || len(p.Std) != 3 {
		return fmt.Errorf("image_mean and image_std have %d and %d numbers, wanted 3 each", len(p.Mean), len(p.Std))
	}
	out.Mean, out.Std = [3]float64(p.Mean), [3]float64(p.Std)
	return nil
}

// openPreprocess is a preprocess_cfg.json: open_clip's PreprocessCfg (transform.py).
type openPreprocess struct {
	Size          side      `json:"size"`
	Mode          string    `json:"mode"`
	Mean          []float64 `json:"mean"`
	Std           []float64 `json:"std"`
	Interpolation string    `json:"interpolation"`
	ResizeMode    string    `json:"resize_mode"`
	Fill          any       `json:"fill_color"`
}

// preprocessing returns what the file says. size is S where it is silent; rounding is
// the crop's, of the program that the graphs were made for.
func (o *openPreprocess) preprocessing(file string, size int, rounding string) (preprocessing, error) {
	p := preprocessing{file: file, size: size}
	if o.Size.set {
		p.size = o.Size.square()
	}
	p.Preprocess = model.Preprocess{Filter: cmp.Or(o.Interpolation, "bicubic"), Antialias: true, Range: [2]float64{0, 1}}
	fail := func(format string, args ...any) (preprocessing, error) {
		return p, say(ErrLayout, "%s: %s", file, fmt.Sprintf(format, args...))
	}
	switch {
	case cmp.Or(o.Mode, "RGB") != "RGB":
		return fail("mode is %q, wanted RGB", o.Mode)
	case p.size == 0:
		return fail("size is missing or no square")
	case p.Filter != "bicubic" && p.Filter != "bilinear":
		return fail("interpolation is %q, wanted bicubic or bilinear", p.Filter)
	case len(o.Mean) != 0 && len(o.Mean) != 3 || len(o.Std) != 0 && len(o.Std) != 3:
		return fail("mean and std have %d and %d numbers, wanted 3 each", len(o.Mean), len(o.Std))
	}
	p.Mean, p.Std = clipMean, clipStd
	if len(o.Mean) == 3 {
		p.Mean = [3]float64(o.Mean)
	}
	if len(o.Std) == 3 {
		p.Std = [3]float64(o.Std)
	}
	switch o.ResizeMode {
	case "", "shortest":
		p.Crop, p.Rounding = "center", rounding
	case "squash":
		p.Crop = "none"
	case "longest":
		if o.Fill != nil && o.Fill != 0. {
			return fail("fill_color is %v, wanted 0", o.Fill)
		}
		p.Crop = "pad"
	default:
		return fail("resize_mode is %q, wanted shortest, squash or longest", o.ResizeMode)
	}
	return p, nil
}
