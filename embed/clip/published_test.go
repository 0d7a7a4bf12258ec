package clip_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

const published = "../hub/layout/testdata"

// tower names one graph of a published repository and its tensors.
type tower struct{ file, in, mask, out string }

// repository is a published layout as a model states it.
type repository struct {
	name, textName string // folders of repositories/
	image, text    tower
	tokenizer      string
	external       []string // files with weights
	context, pad   int
	squash, floor  bool
	half           bool // mean and std are .5
	idle           bool // padding does not matter and can be left out
}

var repositories = []repository{
	{
		name: "transformers-js", textName: "transformers-js",
		image:     tower{file: "onnx/vision_model.onnx", in: "pixel_values", out: "image_embeds"},
		text:      tower{file: "onnx/text_model.onnx", in: "input_ids", out: "text_embeds"},
		tokenizer: "tokenizer.json", context: 77, floor: true, idle: true,
	},
	{
		name: "immich", textName: "immich",
		image:     tower{file: "visual/model.onnx", in: "image", out: "embedding"},
		text:      tower{file: "textual/model.onnx", in: "text", out: "embedding"},
		tokenizer: "textual/tokenizer.json", context: 77,
	},
	{
		name: "immich-squash", textName: "immich-squash",
		image:     tower{file: "visual/model.onnx", in: "image", out: "image_embedding"},
		text:      tower{file: "textual/model.onnx", in: "text", out: "text_embedding"},
		tokenizer: "textual/tokenizer.json", context: 77, squash: true, half: true,
	},
	{
		name: "fastembed-vision", textName: "fastembed-text",
		image:     tower{file: "model.onnx", in: "pixel_values", out: "image_embeds"},
		text:      tower{file: "text.onnx", in: "input_ids", mask: "attention_mask", out: "text_embeds"},
		tokenizer: "tokenizer.json", context: 77, floor: true, idle: true,
	},
	{
		name: "immich-multilingual", textName: "immich-multilingual",
		image:     tower{file: "visual/model.onnx", in: "image", out: "embedding"},
		text:      tower{file: "textual/model.onnx", in: "input_ids", mask: "attention_mask", out: "embedding"},
		tokenizer: "textual/tokenizer.json", context: 77, pad: 1,
	},
	{
		name: "siglip", textName: "siglip",
		image:     tower{file: "onnx/vision_model.onnx", in: "pixel_values", out: "pooler_output"},
		text:      tower{file: "onnx/text_model.onnx", in: "input_ids", out: "pooler_output"},
		tokenizer: "tokenizer.json", context: 64, pad: 1, squash: true, half: true,
	},
}

// open makes a model of the repository. change may be nil.
func (r repository) open(t *testing.T, change func(*model.Manifest)) *model.Model {
	t.Helper()
	dir := t.TempDir()
	copyFile := func(repo, name, to string) {
		text, err := os.ReadFile(filepath.Join(published, "repositories", repo, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, to)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range r.external {
		copyFile(r.name, file, file)
	}
	copyFile(r.name, r.image.file, r.image.file)
	if r.text.file == "text.onnx" {
		copyFile(r.textName, "model.onnx", "text.onnx")
	} else {
		copyFile(r.textName, r.text.file, r.text.file)
	}
	copyFile(r.textName, r.tokenizer, r.tokenizer)
	p := &model.Preprocess{
		Filter: "bicubic", Antialias: true, Crop: "center", Range: [2]float64{0, 1},
		Mean: [3]float64{.48145466, .4578275, .40821073}, Std: [3]float64{.26862954, .26130258, .27577711},
	}
	if r.half {
		p.Mean, p.Std = [3]float64{.5, .5, .5}, [3]float64{.5, .5, .5}
	}
	if r.squash {
		p.Crop = "none"
	} else if r.floor {
		p.Rounding = "floor"
	}
	m := model.Manifest{
		Kind: model.CLIP, Name: r.name, Version: "1", Licence: "CC0-1.0", Source: "random weights", T: 1, D: 32, ImageSize: 32,
		Preprocess: p, Tokenizer: &model.Tokenizer{File: r.tokenizer, Context: r.context},
		Graphs: map[string]model.Graph{
			"image": {File: r.image.file, Inputs: map[string]string{"pixels": r.image.in}, Outputs: map[string]string{"embedding": r.image.out}},
			"text":  {File: r.text.file, Inputs: map[string]string{"ids": r.text.in}, Outputs: map[string]string{"embedding": r.text.out}},
		},
	}
	if r.text.mask != "" {
		m.Graphs["text"].Inputs["mask"] = r.text.mask
	}
	if r.pad != 0 {
		m.Tokenizer.Pad = &r.pad
	}
	if change != nil {
		change(&m)
	}
	opened, err := model.Write(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// forms are the vectors of one item by the graphs of each precision.
type forms struct{ Vector, FP16, Quantized embed.Vector }

// answers are what Python makes of the repository's pictures and texts.
type answers struct {
	Images []struct {
		File string
		forms
	}
	Texts []struct {
		Text string
		forms
	}
}

func (r repository) answers(t *testing.T) (a answers) {
	t.Helper()
	for _, name := range []string{r.name, r.textName} {
		text, err := os.ReadFile(filepath.Join(published, "expected", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var part answers
		if err := json.Unmarshal(text, &part); err != nil {
			t.Fatal(err)
		}
		a.Images, a.Texts = slices.Concat(a.Images, part.Images), slices.Concat(a.Texts, part.Texts)
		if name == r.textName {
			break
		}
	}
	if len(a.Images) == 0 || len(a.Texts) == 0 {
		t.Fatalf("%s has %d pictures and %d texts", r.name, len(a.Images), len(a.Texts))
	}
	return a
}

// equal is the least cosine to Python's vector that is taken for the same.
const equal = .99999

func TestPublishedImageGraphsEqualPython(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for _, r := range repositories {
		want := r.answers(t)
		var images []*pixels.Image
		for _, w := range want.Images {
			images = append(images, photo(t, filepath.Join(published, "pictures", w.File)))
		}
		for range 2 { // more than a batch
			images = append(images, images...)
		}
		m := r.open(t, nil)
		for _, batch := range []int{0, 1, 5} {
			e := open(t, rt, m, clip.Options{Batch: batch})
			for i, got := range encode(t, e, images...) {
				if same := embed.Dot(got, want.Images[i%len(want.Images)].Vector); same < equal {
					t.Errorf("%s, batch %d: picture %d has cosine %.6f to Python's vector", r.name, batch, i, same)
				}
			}
		}
	}
}

func TestPublishedTextGraphsEqualPython(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for _, r := range repositories {
		t.Run(r.name, func(t *testing.T) {
			m, want := r.open(t, nil), r.answers(t)
			var texts []string
			var vectors []embed.Vector
			for _, w := range want.Texts {
				if strings.TrimSpace(w.Text) != "" {
					texts, vectors = append(texts, w.Text), append(vectors, w.Vector)
				}
			}
			for _, batch := range []int{0, 1, 4} {
				e := openText(t, rt, m, clip.Options{Batch: batch})
				for range 2 { // the first call finds out whether padding matters
					got, err := e.Encode(t.Context(), texts)
					if err != nil {
						t.Fatal(err)
					}
					for i, v := range got {
						if same := embed.Dot(v, vectors[i]); same < equal {
							t.Errorf("batch %d: %q has cosine %.6f to Python's vector", batch, fmt.Sprintf("%.40s", texts[i]), same)
						}
					}
				}
				if got := e.LeavesPaddingOut(); got != r.idle {
					t.Errorf("padding is left out: %t, want %t", got, r.idle)
				}
			}
		})
	}
}

// The graphs of half precision and of int8 give Python's vectors too, in any company.
func TestOtherPrecisionsEqualPython(t *testing.T) {
	t.Parallel()
	rt, r := orttest.Runtime(t), repositories[0]
	want := r.answers(t)
	for precision, suffix := range map[string]string{"fp16": "_fp16", "int8": "_quantized"} {
		r.image.file, r.text.file = "onnx/vision_model"+suffix+".onnx", "onnx/text_model"+suffix+".onnx"
		m := r.open(t, func(m *model.Manifest) { m.Precision = precision })
		pick := func(f forms) embed.Vector {
			if precision == "fp16" {
				return f.FP16
			}
			return f.Quantized
		}
		var images []*pixels.Image
		for _, w := range want.Images {
			images = append(images, photo(t, filepath.Join(published, "pictures", w.File)))
		}
		for i, v := range encode(t, open(t, rt, m, clip.Options{}), images...) {
			if same := embed.Dot(v, pick(want.Images[i].forms)); same < equal {
				t.Errorf("%s: %s has cosine %.6f to Python's vector", precision, want.Images[i].File, same)
			}
		}
		var texts []string
		for _, w := range want.Texts[1:] {
			texts = append(texts, w.Text)
		}
		vectors, err := openText(t, rt, m, clip.Options{}).Encode(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range vectors {
			if same := embed.Dot(v, pick(want.Texts[i+1].forms)); same < equal {
				t.Errorf("%s: %.40q has cosine %.6f to Python's vector", precision, texts[i], same)
			}
		}
	}
}
