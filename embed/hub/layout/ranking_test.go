package layout_test

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"engram/data/models"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/hub"
	"engram/embed/hub/hubtest"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// derived is the demo's CLIP in a layout. text is the repository of the text tower,
// where it is another.
type derived struct {
	name, layout, text string
	files              fstest.MapFS
	pictures           bool // there is no text tower
}

// repositoryOf joins graphs and small files.
func repositoryOf(t *testing.T, graphs map[string]*graph, small map[string]any, more ...fstest.MapFS) fstest.MapFS {
	files := fstest.MapFS{}
	for name, g := range graphs {
		files[name] = &fstest.MapFile{Data: g.encode()}
	}
	for name, content := range small {
		files[name] = asJSON(t, content)
	}
	for _, m := range more {
		maps.Copy(files, m)
	}
	return files
}

// The demo's CLIP is prepared by a bilinear resize to 64 pixels and a centre crop.
var (
	half      = []float64{.5, .5, .5}
	shortest  = object{"shortest_edge": 64}
	square    = object{"height": 64, "width": 64}
	processor = object{
		"image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": shortest, "resample": 2, "do_center_crop": true,
		"crop_size": square, "do_rescale": true, "rescale_factor": 1. / 255, "do_normalize": true, "image_mean": half, "image_std": half,
	}
	config = object{
		"model_type": "clip", "projection_dim": 128,
		"text_config": object{"max_position_embeddings": 40}, "vision_config": object{"image_size": 64, "hidden_size": 128},
	}
)

// with returns o with other members.
func with(o object, members object) object {
	out := maps.Clone(o)
	maps.Copy(out, members)
	return out
}

// derivations are the demo's CLIP in each layout.
func derivations(t *testing.T) []derived {
	image := func(input, output string) *graph { return imageTower(t, form{input: input, output: output, batch: -1}) }
	text := func(output, mask string) *graph {
		return textTower(t, form{input: "input_ids", output: output, batch: -1, ids: onnx.Int64, mask: mask})
	}
	clipImage, clipText := image("pixel_values", "image_embeds"), text("text_embeds", "")
	js := func(config, processor object, image, text *graph) fstest.MapFS {
		return repositoryOf(t, map[string]*graph{"onnx/vision_model.onnx": image, "onnx/text_model.onnx": text},
			map[string]any{"config.json": config, "preprocessor_config.json": processor}, wordTokenizer(t, ""))
	}
	outside, outsideText := image("pixel_values", "image_embeds"), text("text_embeds", "")
	weights := fstest.MapFS{
		"onnx/vision_model.onnx_data": {Data: outside.external(t, "vision_model.onnx_data")},
		"onnx/text_model.onnx_data":   {Data: outsideText.external(t, "text_model.onnx_data")},
	}
	external := js(config, processor, outside, outsideText)
	maps.Copy(external, weights)
	siglip := with(processor, object{"image_processor_type": "SiglipImageProcessor", "size": square})
	delete(siglip, "do_center_crop")
	delete(siglip, "crop_size")
	dino := with(processor, object{"image_processor_type": "BitImageProcessor"})
	return []derived{
		{name: "transformers-js", layout: "transformers.js", files: js(config, processor, clipImage, clipText)},
		{name: "numbers-for-sizes", layout: "transformers.js", files: js(config, object{
			"feature_extractor_type": "CLIPFeatureExtractor", "size": 64, "crop_size": 64, "resample": 2, "do_resize": true,
			"do_center_crop": true, "do_normalize": true, "image_mean": half, "image_std": half,
		}, clipImage, clipText)},
		{name: "external-data", layout: "transformers.js", files: external},
		{name: "siglip", layout: "transformers.js", files: js(with(config, object{"model_type": "siglip"}), siglip,
			image("pixel_values", "pooler_output"), text("pooler_output", ""))},
		{name: "jina-clip", layout: "transformers.js", files: js(with(config, object{"model_type": "jina_clip"}), object{
			"image_processor_type": "JinaCLIPImageProcessor", "size": 64, "resize_mode": "shortest", "interpolation": "bilinear",
			"fill_color": 0, "mean": half, "std": half,
		}, clipImage, clipText)},
		{name: "immich", layout: "Immich", files: immichOf(t, "embedding", "embedding", 1)},
		{name: "immich-any-batch", layout: "Immich", files: immichOf(t, "image_embedding", "text_embedding", -1)},
		{name: "fastembed", layout: "fastembed", text: "fastembed-text", files: repositoryOf(t, map[string]*graph{"model.onnx": clipImage},
			map[string]any{"config.json": object{"model_type": "clip_vision_model", "image_size": 64}, "preprocessor_config.json": processor})},
		{name: "fastembed-text", files: repositoryOf(t, map[string]*graph{"model.onnx": text("text_embeds", "attention_mask")},
			map[string]any{"config.json": object{"model_type": "clip_text_model", "max_position_embeddings": 40}}, wordTokenizer(t, ""))},
		{name: "whole-graph", layout: "whole graph", files: repositoryOf(t, map[string]*graph{"onnx/model.onnx": wholeGraph(t)},
			map[string]any{"config.json": config, "preprocessor_config.json": processor}, wordTokenizer(t, ""))},
		{name: "dinov2", layout: "DINOv2", pictures: true, files: repositoryOf(t, map[string]*graph{
			"onnx/model.onnx": imageTower(t, form{input: "pixel_values", output: "last_hidden_state", batch: -1, states: true}),
		}, map[string]any{"config.json": object{"model_type": "dinov2", "image_size": 64, "hidden_size": 128}, "preprocessor_config.json": dino})},
	}
}

// immichOf derives Immich's layout.
func immichOf(t *testing.T, imageOutput, textOutput string, batch int64) fstest.MapFS {
	return repositoryOf(t, map[string]*graph{
		"visual/model.onnx":  imageTower(t, form{input: "image", output: imageOutput, batch: batch, unit: true}),
		"textual/model.onnx": textTower(t, form{input: "text", output: textOutput, batch: batch, unit: true, ids: onnx.Int32}),
	}, map[string]any{
		"config.json":                object{"embed_dim": 128, "vision_cfg": object{"image_size": 64}, "text_cfg": object{"context_length": 40}},
		"visual/preprocess_cfg.json": object{"size": 64, "mode": "RGB", "mean": half, "std": half, "interpolation": "bilinear"},
	}, wordTokenizer(t, "textual/"))
}

// study is what is encoded: pictures to rank, and captions and pictures to rank by.
type study struct {
	pictures []*pixels.Image
	captions []string
}

func newStudy() (s study) {
	world := scenes.New(3)
	for i := range uint64(48) {
		scene := world.Scene(scenes.Test, i)
		picture := &pixels.Image{W: 96, H: 96, Pix: make([]byte, 3*96*96)}
		scene.DrawRGB(picture.Pix, 96)
		s.pictures = append(s.pictures, picture)
		if i%3 == 0 {
			s.captions = append(s.captions, scene.Captions()[0])
		}
	}
	return s
}

// encoded are the vectors of a study by one model.
type encoded struct{ pictures, captions []embed.Vector }

func (s study) encode(t *testing.T, rt *ort.Runtime, m *model.Model, texts bool) (e encoded) {
	t.Helper()
	images, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer images.Close()
	if e.pictures, err = images.Encode(t.Context(), s.pictures); err != nil {
		t.Fatal(err)
	}
	if !texts {
		return e
	}
	words, err := clip.OpenText(rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer words.Close()
	if e.captions, err = words.Encode(t.Context(), s.captions); err != nil {
		t.Fatal(err)
	}
	return e
}

// ranking returns the numbers of the pictures, the nearest to query first.
func ranking(query embed.Vector, pictures []embed.Vector) []int {
	order := make([]int, len(pictures))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(embed.Dot(query, pictures[b]), embed.Dot(query, pictures[a]))
	})
	return order
}

// TestTheDemoRanksAlikeInEveryLayout publishes the demo's CLIP in each layout on a hub,
// opens it from there, and ranks pictures by captions and by pictures. Layouts whose
// graphs are alike give the same order as the model itself.
func TestTheDemoRanksAlikeInEveryLayout(t *testing.T) {
	t.Parallel()
	rt, study := orttest.Runtime(t), newStudy()
	dir := t.TempDir()
	demo, err := models.Folder(models.CLIP)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, demo); err != nil {
		t.Fatal(err)
	}
	own, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := study.encode(t, rt, own, true)

	list := append(derivations(t), derived{name: "engram", layout: "Engram", files: folderOf(t, demo)})
	var repos []hubtest.Repo
	for _, d := range list {
		repos = append(repos, hubtest.Repo{Name: "test/" + d.name, Files: d.files})
	}
	client, err := hub.New(hub.Options{Endpoint: hubtest.New(t, repos...).URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.layout == "" {
			continue // a part of another
		}
		t.Run(d.name, func(t *testing.T) {
			m, plan, err := fetchModel(t, client, d.name, d.text, layout.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if plan.Layout != d.layout {
				t.Errorf("the layout is called %q, wanted %q", plan.Layout, d.layout)
			}
			got := study.encode(t, rt, m, !d.pictures)
			compareRankings(t, "pictures", want.pictures, got.pictures, want.pictures, got.pictures)
			compareRankings(t, "captions", want.captions[:len(got.captions)], got.captions, want.pictures, got.pictures)
		})
	}
}

// compareRankings ranks pictures by queries in two encodings of the same things. Two
// pictures may change places where rounding decides between them.
func compareRankings(t *testing.T, what string, want, got, wantPictures, gotPictures []embed.Vector) {
	t.Helper()
	for i, query := range want {
		if c := cosine(query, got[i]); c < .99999 {
			t.Fatalf("%s: vector %d has cosine %.7f to the model's own", what, i, c)
		}
		a, b := ranking(query, wantPictures), ranking(got[i], gotPictures)
		for place := range a {
			if one, other := embed.Dot(query, wantPictures[a[place]]), embed.Dot(query, wantPictures[b[place]]); max(one-other, other-one) > 1e-5 {
				t.Errorf("%s: query %d has picture %d at place %d, the model itself %d", what, i, b[place], place+1, a[place])
				break
			}
		}
	}
}

// folderOf copies a folder into memory.
func folderOf(t *testing.T, folder fs.FS) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(folder, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}
