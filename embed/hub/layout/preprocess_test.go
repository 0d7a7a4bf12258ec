package layout_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/onnx"

	"github.com/google/go-cmp/cmp"
)

// memory is a Source of small files.
type memory map[string]string

func (m memory) Files() []layout.File {
	var files []layout.File
	for _, name := range slices.Sorted(maps.Keys(m)) {
		files = append(files, layout.File{Path: name, Size: int64(len(m[name]))})
	}
	return files
}

func (m memory) Read(_ context.Context, path string) ([]byte, error) {
	if text, ok := m[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

// with returns a copy with another file; no text removes it.
func (m memory) with(name, text string) memory {
	m = maps.Clone(m)
	if m[name] = text; text == "" {
		delete(m, name)
	}
	return m
}

// images is a repository of an image tower.
func images(config, preprocessor string) memory {
	return memory{"config.json": config, "preprocessor_config.json": preprocessor, "onnx/vision_model.onnx": "graph"}
}

const (
	clipConfig   = `{"model_type": "clip", "projection_dim": 512, "vision_config": {"image_size": 224}}`
	siglipConfig = `{"model_type": "siglip", "vision_config": {"image_size": 224}}`
	moments      = `"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]`
)

// TestPreprocessingIsTheRepositorysOwn reads the file in the forms that publishers and
// versions of transformers write it.
func TestPreprocessingIsTheRepositorysOwn(t *testing.T) {
	own := model.Preprocess{
		Filter: "bicubic", Antialias: true, Crop: "center", Rounding: "floor", Range: [2]float64{0, 1},
		Mean: [3]float64{.1, .2, .3}, Std: [3]float64{.4, .5, .6},
	}
	with := func(change func(*model.Preprocess)) model.Preprocess {
		p := own
		change(&p)
		return p
	}
	squash := func(p *model.Preprocess) { p.Crop, p.Rounding = "none", "" }
	for name, c := range map[string]struct {
		source memory
		size   int
		want   model.Preprocess
	}{
		"numbers (2021)":        {images(clipConfig, `{"size": 224, "crop_size": 224, "resample": 3, "feature_extractor_type": "CLIPFeatureExtractor", `+moments+`}`), 224, own},
		"objects (2022)":        {images(clipConfig, `{"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}, "do_rescale": true, "rescale_factor": 0.00392156862745098, "image_processor_type": "CLIPImageProcessor", `+moments+`}`), 336, own},
		"no class":              {images(clipConfig, `{"size": 224, `+moments+`}`), 224, own},
		"fast class":            {images(clipConfig, `{"size": {"shortest_edge": 224}, "image_processor_type": "CLIPImageProcessorFast", `+moments+`}`), 224, own},
		"byte order mark":       {images(clipConfig, "\ufeff"+`{"size": 224, `+moments+`}`), 224, own},
		"shorter side above":    {images(clipConfig, `{"size": {"shortest_edge": 256}, "crop_size": 224, "resample": 2, "image_processor_type": "BitImageProcessor", `+moments+`}`), 224, with(func(p *model.Preprocess) { p.Resize, p.Filter = 256, "bilinear" })},
		"SigLIP's number":       {images(siglipConfig, `{"size": 224, "image_processor_type": "SiglipImageProcessor", `+moments+`}`), 224, with(squash)},
		"SigLIP without class":  {images(siglipConfig, `{"size": {"height": 384, "width": 384}, "do_convert_rgb": null, `+moments+`}`), 384, with(squash)},
		"SigLIP 2's filter":     {images(siglipConfig, `{"size": {"height": 224, "width": 224}, "image_processor_type": "Siglip2ImageProcessor", `+moments+`}`), 224, with(func(p *model.Preprocess) { squash(p); p.Filter = "bilinear" })},
		"ViT's number":          {images(clipConfig, `{"size": 224, "image_processor_type": "ViTFeatureExtractor", `+moments+`}`), 224, with(func(p *model.Preprocess) { squash(p); p.Filter = "bilinear" })},
		"DeiT's squares":        {images(clipConfig, `{"size": 224, "crop_size": 224, "feature_extractor_type": "DeiTFeatureExtractor", `+moments+`}`), 224, with(squash)},
		"no normalisation":      {images(clipConfig, `{"size": 224, "do_normalize": false}`), 224, with(func(p *model.Preprocess) { p.Mean, p.Std = [3]float64{}, [3]float64{1, 1, 1} })},
		"no rescaling":          {images(clipConfig, `{"size": 224, "do_rescale": false, `+moments+`}`), 224, with(func(p *model.Preprocess) { p.Range = [2]float64{0, 255} })},
		"another factor":        {images(clipConfig, `{"size": 224, "rescale_factor": 0.5, `+moments+`}`), 224, with(func(p *model.Preprocess) { p.Range = [2]float64{0, 127.5} })},
		"Pillow's other filter": {images(clipConfig, `{"size": 224, "resample": 1, `+moments+`}`), 224, with(func(p *model.Preprocess) { p.Filter = "lanczos" })},
		"in a processor's file": {images(clipConfig, "").with("preprocessor_config.json", "").with("processor_config.json", `{"image_processor": {"size": {"shortest_edge": 224}, "image_processor_type": "CLIPImageProcessor", `+moments+`}}`), 224, own},
		"open_clip's config": {images(clipConfig, "").with("preprocessor_config.json", "").with("open_clip_config.json", `{"preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}}`), 224,
			with(func(p *model.Preprocess) { p.Rounding = "" })},
		"jina's": {images(`{"model_type": "jina_clip"}`, `{"size": 224, "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear", "resize_mode": "longest", "fill_color": 0}`), 224,
			with(func(p *model.Preprocess) { p.Rounding, p.Crop, p.Filter = "", "pad", "bilinear" })},
	} {
		manifest, plan := finish(t, c.source)
		if diff := cmp.Diff(c.want, *manifest.Preprocess); diff != "" || manifest.ImageSize != c.size {
			t.Errorf("%s: %d pixels (-want +got):\n%s", name, manifest.ImageSize, diff)
		}
		if slices.ContainsFunc(plan.Notes, func(note string) bool { return strings.Contains(note, "preprocessor_config.json") }) {
			t.Errorf("%s: %q", name, plan.Notes)
		}
	}
}

// finish plans for a source and finishes with the image tower of a repository of
// testdata, whose graph takes any size.
func finish(t *testing.T, src memory) (model.Manifest, *layout.Plan) {
	t.Helper()
	plan, err := layout.New(t.Context(), src, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := plan.Finish(repositories+"/clip-generation-1", layout.Identity{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return manifest, plan
}

func TestAMissingFileIsTheFamilysDefaultWithANote(t *testing.T) {
	manifest, plan := finish(t, images(clipConfig, "").with("preprocessor_config.json", ""))
	if p := manifest.Preprocess; p.Crop != "center" || p.Std[0] != .26862954 || manifest.ImageSize != 224 {
		t.Errorf("CLIP's: %+v, %d pixels", p, manifest.ImageSize)
	}
	if len(plan.Notes) == 0 || !strings.Contains(plan.Notes[0], "preprocessor_config.json is missing") {
		t.Errorf("notes %q", plan.Notes)
	}
	manifest, _ = finish(t, images(siglipConfig, "").with("preprocessor_config.json", ""))
	if p := manifest.Preprocess; p.Crop != "none" || p.Std[0] != .5 {
		t.Errorf("SigLIP's: %+v", p)
	}
}

// TestWhatIsNotUnderstoodIsNamed wants the file and what was missing, in a sentence.
func TestWhatIsNotUnderstoodIsNamed(t *testing.T) {
	clip := func(preprocessor string) memory { return images(clipConfig, preprocessor) }
	whole := clip(`{"size": 224, ` + moments + `}`)
	text := whole.with("onnx/text_model.onnx", "graph")
	immich := memory{"config.json": `{"embed_dim": 512, "vision_cfg": {"image_size": 224}}`, "visual/model.onnx": "graph"}
	const cfg = "visual/preprocess_cfg.json"
	for _, c := range []struct {
		source memory
		want   string
	}{
		{memory{"README.md": "x"}, "there is no ONNX file"},
		{memory{"weights.bin": "x"}, "weights as .bin: scripts/export_clip.py"},
		{whole.with("config.json", ""), "config.json is missing, which names the family"},
		{whole.with("config.json", `{"model_type": "bert"}`), `config.json: model_type is "bert", wanted clip`},
		{whole.with("config.json", "<html>"), "config.json is not JSON"},
		{whole.with("config.json", `{"model_type": 5}`), `config.json: "model_type" is a number, wanted a string`},
		{whole.with("config.json", `{"model_type": "clip", "vision_config": {"image_size": -1}}`), "config.json: size is -1"},
		{whole.with("config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "config.json is a pointer"},
		{whole.with("modules.json", "[]"), "modules.json says that this is a sentence-transformers model"},
		{whole.with("onnx/vision_model.onnx", "").with("onnx/decoder.onnx", "x"), "neither vision_model.onnx nor model.onnx"},
		{whole.with("onnx/vision_model.onnx", "").with("onnx/vision_model_fp16.onnx", "x"), "vision_model is not published as float32, only as onnx/vision_model_fp16.onnx"},
		{text, "there is no tokenizer: tokenizer.json is missing"},
		{text.with("vocab.json", "{}"), "vocab.json is there without merges.txt"},
		{images(`{"model_type": "dinov2"}`, "").with("preprocessor_config.json", ""), "preprocessor_config.json is missing, which says how images are prepared"},
		{images(`{"model_type": "clip"}`, "").with("preprocessor_config.json", ""), "config.json has no image_size"},
		{clip(`[]`), "preprocessor_config.json: it is a list, wanted an object"},
		{clip(`{"size": 224, "image_mean": 0.5}`), `preprocessor_config.json: "image_mean" is a number, wanted a list`},
		{clip(`{` + moments + `}`), "preprocessor_config.json: size is missing"},
		{clip(`{"size": {"height": 224, "width": 336}, ` + moments + `}`), "size is 336×224, wanted a square"},
		{clip(`{"size": 224, "crop_size": {"height": 224, "width": 336}, ` + moments + `}`), "crop_size is 336×224, wanted a square"},
		{clip(`{"size": 224, "crop_size": 336, ` + moments + `}`), "crop_size is 336 and larger than the shortest_edge, 224"},
		{clip(`{"size": 256, "crop_size": 224, "image_processor_type": "DeiTImageProcessor", ` + moments + `}`), "size is a square of 256 and crop_size is 224, wanted the same"},
		{clip(`{"size": 224, "do_center_crop": false, ` + moments + `}`), "do_center_crop is false"},
		{clip(`{"size": 224, "do_resize": false, ` + moments + `}`), "do_resize is false"},
		{clip(`{"size": 224, "crop_pct": 0.9, ` + moments + `}`), "crop_pct is 0.9"},
		{clip(`{"size": 224, "resample": 9, ` + moments + `}`), "resample is 9, wanted 0 to 5"},
		{clip(`{"size": {"longest_edge": 224}, ` + moments + `}`), "padded"},
		{clip(`{"size": 224, "image_mean": [0.5], "image_std": [0.5]}`), "image_mean and image_std have 1 and 1 numbers"},
		{clip(`{"size": 224, "image_processor_type": "SamImageProcessor", ` + moments + `}`), "the image processor is SamImageProcessor"},
		{clip("").with("preprocessor_config.json", "").with("open_clip_config.json", "{}"), "open_clip_config.json has no preprocess_cfg"},
		{immich, cfg + " is missing"},
		{immich.with(cfg, `{}`).with("config.json", `{"embed_dim": 512, "vision_cfg": {}}`), cfg + ": size is missing"},
		{immich.with(cfg, `{"size": 224, "mode": "L"}`), cfg + `: mode is "L", wanted RGB`},
		{immich.with(cfg, `{"size": [224, 336]}`), cfg + ": size is missing or no square"},
		{immich.with(cfg, `{"size": 224, "interpolation": "random"}`), `interpolation is "random"`},
		{immich.with(cfg, `{"size": 224, "resize_mode": "tile"}`), `resize_mode is "tile"`},
		{immich.with(cfg, `{"size": 224, "resize_mode": "longest", "fill_color": 127}`), "fill_color is 127, wanted 0"},
		{immich.with("visual/model.onnx", "").with("textual/model.onnx", "x"), "textual/model.onnx is there without visual/model.onnx"},
	} {
		_, err := layout.New(t.Context(), c.source, layout.Options{})
		switch {
		case err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%v\nwanted %q", err, c.want)
		case strings.Contains(c.want, "float32") != errors.Is(err, layout.ErrPrecision):
			t.Errorf("%v: wrong kind of error", err)
		case strings.HasSuffix(err.Error(), layout.ErrLayout.Error()):
			t.Errorf("%v: the sentence ends in its kind", err)
		}
	}
}

func TestPlansSayWhatTheUserShouldKnow(t *testing.T) {
	src, err := layout.Folder(repositories + "/immich")
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]int{"immich-app/ViT-B-32__openai": 2, "immich-app/ViT-B-32__laion2b-s34b-b79k": 0, "immich-app/ViT-B-32-quickgelu__openai": 0, "": 0} {
		plan, err := layout.New(t.Context(), src, layout.Options{Repository: repository})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Finish(repositories+"/immich", layout.Identity{Name: "x"}); err != nil {
			t.Fatal(err)
		}
		if len(plan.Notes) != want || want == 2 && !strings.Contains(plan.Notes[1], "visual/model.onnx computes GELU") {
			t.Errorf("%q: notes %q, wanted %d", repository, plan.Notes, want)
		}
	}
}

// TestImmichsSizeMayBeTheTowers has a preprocess_cfg.json without a size.
func TestImmichsSizeMayBeTheTowers(t *testing.T) {
	src := memory{"config.json": `{"embed_dim": 32, "vision_cfg": {"image_size": 32}}`, "visual/model.onnx": "graph", "visual/preprocess_cfg.json": `{}`}
	plan, err := layout.New(t.Context(), src, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := plan.Finish(repositories+"/immich", layout.Identity{Name: "x"})
	if err != nil || m.ImageSize != 32 || m.Preprocess.Crop != "center" || m.Preprocess.Mean[0] != .48145466 {
		t.Errorf("%d pixels, %+v, %v", m.ImageSize, m.Preprocess, err)
	}
}

func TestPrecisionsAreFoundByTheNamesOfGraphs(t *testing.T) {
	src := images(clipConfig, `{"size": 224, `+moments+`}`).with("onnx/vision_model_int8.onnx", "x").with("onnx/vision_model_uint8.onnx", "x").
		with("onnx/text_model_int8.onnx", "x").with("onnx/text_model.onnx", "x").with("tokenizer.json", "{}")
	for precision, want := range map[string][]string{
		"":     {"onnx/text_model.onnx", "onnx/vision_model.onnx", "tokenizer.json"},
		"int8": {"onnx/text_model_int8.onnx", "onnx/vision_model_uint8.onnx", "tokenizer.json"},
	} {
		plan, err := layout.New(t.Context(), src, layout.Options{Precision: precision})
		if err != nil || !slices.Equal(plan.Fetch, want) || plan.Precision != precision {
			t.Errorf("%s: %v %v", precision, plan, err)
		}
	}
	for _, precision := range []string{"fp16", "fp8"} {
		if _, err := layout.New(t.Context(), src, layout.Options{Precision: precision}); err == nil || !strings.Contains(err.Error(), precision) {
			t.Errorf("%s: %v", precision, err)
		}
	}
}

// TestTowersWithoutAGraphAreTakenFromTheOneOfBoth has repositories that publish one
// tower apart, and both together.
func TestTowersWithoutAGraphAreTakenFromTheOneOfBoth(t *testing.T) {
	copyOf := func(from string) string {
		b, err := os.ReadFile(filepath.Join(repositories, from))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	both := memory{
		"config.json": clipConfig, "preprocessor_config.json": `{"size": 32, ` + moments + `}`,
		"tokenizer.json": `{}`, "onnx/model.onnx": copyOf("whole-graph/onnx/model.onnx"),
	}
	vision, text := copyOf("transformers-js/onnx/vision_model.onnx"), copyOf("transformers-js/onnx/text_model.onnx")
	for _, c := range []struct {
		source      memory
		layout      string
		image, text string
	}{
		{both, "whole graph", "onnx/image.onnx", "onnx/text.onnx"},
		{both.with("onnx/vision_model.onnx", vision), "transformers.js", "onnx/vision_model.onnx", "onnx/text.onnx"},
		{both.with("onnx/text_model.onnx", text), "whole graph", "onnx/image.onnx", "onnx/text_model.onnx"},
		{both.with("onnx/text_model.onnx", text).with("onnx/vision_model.onnx", vision), "transformers.js", "onnx/vision_model.onnx", "onnx/text_model.onnx"},
	} {
		plan, err := layout.New(t.Context(), c.source, layout.Options{})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, name := range plan.Fetch {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(c.source[name]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m, err := plan.Finish(dir, layout.Identity{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Layout != c.layout || m.Graphs["image"].File != c.image || m.Graphs["text"].File != c.text {
			t.Errorf("%s: %+v, wanted %s, %s and %s", plan.Layout, m.Graphs, c.layout, c.image, c.text)
		}
	}
}

// TestAnUnknownLengthIsLeftToTheCaller has a graph with a free last axis, and a config
// that does not say it either: then the graph must be run.
func TestAnUnknownLengthIsLeftToTheCaller(t *testing.T) {
	graph, err := onnx.Marshal(&onnx.Graph{
		Name:    "image",
		Nodes:   []onnx.Node{{Op: "GlobalAveragePool", Inputs: []string{"pixel_values"}, Outputs: []string{"p"}}, {Op: "Flatten", Inputs: []string{"p"}, Outputs: []string{"image_embeds"}}},
		Inputs:  []onnx.Value{{Name: "pixel_values", Type: onnx.Float, Shape: []int64{-1, 3, -1, -1}}},
		Outputs: []onnx.Value{{Name: "image_embeds", Type: onnx.Float, Shape: []int64{-1, -1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]int{`{"model_type": "clip"}`: 0, clipConfig: 512} {
		src := images(config, `{"size": 32, `+moments+`}`)
		plan, err := layout.New(t.Context(), src, layout.Options{})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "onnx"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "onnx/vision_model.onnx"), graph, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := plan.Finish(dir, layout.Identity{Name: "x"}); err != nil || m.D != want {
			t.Errorf("%s: %d elements, %v; wanted %d", config, m.D, err, want)
		}
	}
}

func FuzzNew(f *testing.F) {
	for _, name := range []string{"transformers-js", "clip-generation-1", "siglip2", "jina-clip", "immich"} {
		files := map[string]string{}
		for _, file := range []string{"config.json", "preprocessor_config.json", "tokenizer_config.json"} {
			b, err := os.ReadFile(filepath.Join(repositories, name, file))
			if err == nil {
				files[file] = string(b)
			}
		}
		f.Add(files["config.json"], files["preprocessor_config.json"], files["tokenizer_config.json"], name == "immich")
	}
	f.Fuzz(func(t *testing.T, config, preprocessor, tokenizer string, immich bool) {
		src := memory{
			"config.json": config, "preprocessor_config.json": preprocessor, "tokenizer_config.json": tokenizer, "special_tokens_map.json": tokenizer,
			"onnx/vision_model.onnx": "x", "onnx/text_model.onnx": "x", "tokenizer.json": "{}",
		}
		if immich {
			src = memory{
				"config.json": config, "visual/preprocess_cfg.json": preprocessor, "textual/tokenizer_config.json": tokenizer,
				"visual/model.onnx": "x", "textual/model.onnx": "x", "textual/tokenizer.json": "{}",
			}
		}
		plan, err := layout.New(t.Context(), src, layout.Options{})
		if err == nil && len(plan.Fetch) == 0 {
			t.Error("a plan that fetches nothing")
		}
	})
}
