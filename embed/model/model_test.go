package model_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/embed/model"
)

const fingerprint = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// manifest returns a valid manifest of the kind, with the files that folder
// writes.
func manifest(kind model.Kind) model.Manifest {
	m := model.Manifest{Kind: kind, Name: "test", Version: "1", Licence: "MIT", Source: "a test"}
	preprocess := &model.Preprocess{Filter: "bicubic", Antialias: true, Crop: "center", Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1}}
	graph := func(inputs, outputs map[string]string) model.Graph {
		return model.Graph{File: "a.onnx", Inputs: inputs, Outputs: outputs}
	}
	pixels, latent := map[string]string{"pixels": "x"}, map[string]string{"latent": "z"}
	switch kind {
	case model.CLIP:
		m.T, m.D, m.ImageSize, m.Preprocess = 257, 768, 224, preprocess
		m.Graphs = map[string]model.Graph{
			"image": graph(pixels, map[string]string{"tokens": "y"}),
			"text":  graph(map[string]string{"ids": "x"}, map[string]string{"embedding": "y"}),
		}
		m.Tokenizer = &model.Tokenizer{File: "sub/vocab.txt", Context: 77}
	case model.Features:
		m.T, m.D, m.ImageSize, m.Preprocess = 1, 1280, 224, preprocess
		m.Graphs = map[string]model.Graph{"image": graph(pixels, map[string]string{"embedding": "y"})}
	case model.VAE:
		m.ImageSize, m.Preprocess, m.Latent = 512, preprocess, &model.Latent{Channels: 4, Factor: 8, Scale: .18215}
		m.Graphs = map[string]model.Graph{"encoder": graph(pixels, latent), "decoder": graph(latent, pixels)}
	case model.Denoiser:
		m.T, m.D, m.ImageSize, m.Latent = 257, 768, 512, &model.Latent{Channels: 4, Factor: 8, Scale: .18215}
		m.Scheduler = &model.Scheduler{Steps: 1000, BetaStart: .00085, BetaEnd: .012, BetaSchedule: "scaled_linear", Prediction: "epsilon"}
		m.Sampling = &model.Sampling{Method: "unipc", Order: 3, Spacing: "leading", Offset: 1, Karras: true, Steps: 20, Guidance: 3.5}
		m.Condition = &model.Condition{ZeroText: 77, Constants: map[string][]float32{"sizes": {512, 512}}}
		m.Graphs = map[string]model.Graph{"denoiser": graph(
			map[string]string{"latent": "z", "time": "t", "context": "c", "sizes": "s"}, map[string]string{"prediction": "e"})}
	case model.Decoder:
		m.T, m.D, m.Voxels, m.Target = 1, 768, 15724, fingerprint
		m.Graphs = map[string]model.Graph{"decoder": graph(map[string]string{"voxels": "x"}, map[string]string{"embedding": "y", "backbone": "b"})}
	case model.Prior:
		m.T, m.D, m.Target, m.Scale = 257, 768, fingerprint, &model.TokenScale{Factor: 27.71, UnitGlobal: true}
		m.Scheduler = &model.Scheduler{Steps: 100, BetaStart: .0006, BetaEnd: .999, BetaSchedule: "cosine", Prediction: "sample"}
		m.Sampling = &model.Sampling{Method: "ddpm", Steps: 100, Guidance: 1}
		m.Graphs = map[string]model.Graph{"prior": graph(
			map[string]string{"predicted": "b", "noisy": "z", "time": "t"}, map[string]string{"tokens": "y"})}
	case model.LowLevel:
		m.Voxels, m.ImageSize, m.Target, m.Latent = 15724, 512, fingerprint, &model.Latent{Channels: 4, Factor: 8, Scale: .18215}
		m.Graphs = map[string]model.Graph{"lowlevel": graph(map[string]string{"voxels": "x"}, map[string]string{"latent": "z"})}
	}
	return m
}

// folder returns a folder with the files of manifest.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.onnx": "model", "sub/vocab.txt": "vocabulary"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var kinds = []model.Kind{
	model.CLIP, model.Features, model.VAE, model.Denoiser, model.Decoder, model.Prior, model.LowLevel,
}

func TestEveryKindIsReadAsItWasWritten(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir := folder(t)
			written, err := model.Write(dir, manifest(kind))
			if err != nil {
				t.Fatal(err)
			}
			read, err := model.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(written.Manifest, read.Manifest); diff != "" {
				t.Errorf("the manifest changed (-written +read):\n%s", diff)
			}
			if read.Fingerprint() != written.Fingerprint() {
				t.Errorf("fingerprint %s became %s", written.Fingerprint(), read.Fingerprint())
			}
			// The checksum of the five bytes "model", from sha256sum.
			if got, want := read.Files["a.onnx"], "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"; got != want {
				t.Errorf("checksum %s, want %s", got, want)
			}
		})
	}
}

func TestTheFingerprintDependsOnContentAlone(t *testing.T) {
	dir := folder(t)
	first, err := model.Write(dir, manifest(model.CLIP))
	if err != nil {
		t.Fatal(err)
	}

	// The same content with other spaces and another order of keys.
	path := filepath.Join(dir, model.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, sorted, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Fingerprint() != second.Fingerprint() {
		t.Errorf("another layout changed the fingerprint %s to %s", first.Fingerprint(), second.Fingerprint())
	}

	if err := os.WriteFile(filepath.Join(dir, "sub/vocab.txt"), []byte("vocabulary!"), 0o644); err != nil {
		t.Fatal(err)
	}
	third, err := model.Write(dir, manifest(model.CLIP))
	if err != nil {
		t.Fatal(err)
	}
	if third.Fingerprint() == first.Fingerprint() {
		t.Error("another vocabulary left the fingerprint as it was")
	}
}

func TestManifestsThatAreNotValidAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		kind   model.Kind
		change func(*model.Manifest)
		want   string
	}{
		{"another format", model.CLIP, func(m *model.Manifest) { m.Format = 2 }, "format is 2, this version reads format 1"},
		{"an unknown kind", model.CLIP, func(m *model.Manifest) { m.Kind = "clap" }, `kind is "clap", wanted clip, features, vae, denoiser, decoder, prior or lowlevel`},
		{"no licence", model.CLIP, func(m *model.Manifest) { m.Licence = " " }, "licence is missing"},
		{"no dim", model.CLIP, func(m *model.Manifest) { m.D = 0 }, "dim is missing, kind clip needs it"},
		{"a negative dim", model.CLIP, func(m *model.Manifest) { m.D = -1 }, "dim is -1, wanted 1 to"},
		{"a giant image", model.CLIP, func(m *model.Manifest) { m.ImageSize = 1 << 30 }, "image_size is 1073741824, wanted 1 to 16384"},
		{"voxels in a CLIP", model.CLIP, func(m *model.Manifest) { m.Voxels = 3 }, "voxels is set, kind clip has no use for it"},
		{"features with two tokens", model.Features, func(m *model.Manifest) { m.T = 2 }, "tokens is 2, kind features has 1"},
		{"text without a tokenizer", model.CLIP, func(m *model.Manifest) { m.Tokenizer = nil }, "tokenizer is missing"},
		{"a tokenizer without text", model.CLIP, func(m *model.Manifest) { delete(m.Graphs, "text") }, "tokenizer is set without a text graph"},
		{"a context of 0", model.CLIP, func(m *model.Manifest) { m.Tokenizer.Context = 0 }, "context is 0"},
		{"no image model", model.Features, func(m *model.Manifest) { m.Graphs = nil }, "models: image is missing, kind features needs it"},
		{"a model too many", model.Decoder, func(m *model.Manifest) { m.Graphs["text"] = m.Graphs["decoder"] }, `models: "text" is not a graph of kind decoder`},
		{"the wrong output", model.Features, func(m *model.Manifest) { m.Graphs["image"].Outputs["tokens"] = "y" }, `image: outputs are ["embedding" "tokens"], wanted ["embedding"]`},
		{"a tensor without a name", model.Features, func(m *model.Manifest) { m.Graphs["image"].Inputs["pixels"] = "" }, "pixels has no tensor name"},
		{"an unknown filter", model.CLIP, func(m *model.Manifest) { m.Preprocess.Filter = "sinc" }, `filter is "sinc", wanted one of`},
		{"a resize without a crop", model.Features, func(m *model.Manifest) { m.Preprocess.Crop, m.Preprocess.Resize = "none", 256 }, "resize is 256 with crop none"},
		{"a filter without antialias", model.Features, func(m *model.Manifest) { m.Preprocess.Filter, m.Preprocess.Antialias = "box", false }, "filter is box without antialias"},
		{"a fill without padding", model.Features, func(m *model.Manifest) { m.Preprocess.Fill = 3 }, "fill is 3 with crop center"},
		{"an unknown rounding", model.Features, func(m *model.Manifest) { m.Preprocess.Rounding = "up" }, `rounding is "up"`},
		{"an unknown precision", model.Features, func(m *model.Manifest) { m.Precision = "fp8" }, `precision is "fp8"`},
		{"a negative pad", model.CLIP, func(m *model.Manifest) { pad := -1; m.Tokenizer.Pad = &pad }, "pad is -1"},
		{"a mask of an image", model.CLIP, func(m *model.Manifest) { m.Graphs["image"].Inputs["mask"] = "m" }, `image: inputs are ["mask" "pixels"]`},
		{"an unknown crop", model.CLIP, func(m *model.Manifest) { m.Preprocess.Crop = "left" }, `crop is "left"`},
		{"a falling range", model.CLIP, func(m *model.Manifest) { m.Preprocess.Range = [2]float64{1, 0} }, "range is [1 0]"},
		{"a zero std", model.CLIP, func(m *model.Manifest) { m.Preprocess.Std[1] = 0 }, "std is [1 0 1]"},
		{"a mean of NaN", model.CLIP, func(m *model.Manifest) { m.Preprocess.Mean[1] = math.NaN() }, "NaN"},
		{"a latent factor that does not divide", model.VAE, func(m *model.Manifest) { m.Latent.Factor = 7 }, "factor is 7"},
		{"a latent scale of 0", model.VAE, func(m *model.Manifest) { m.Latent.Scale = 0 }, "scale is 0"},
		{"no latent channels", model.VAE, func(m *model.Manifest) { m.Latent.Channels = 0 }, "channels is 0"},
		{"no training steps", model.Denoiser, func(m *model.Manifest) { m.Scheduler.Steps = 0 }, "steps is 0"},
		{"falling betas", model.Denoiser, func(m *model.Manifest) { m.Scheduler.BetaStart = .5 }, "betas are 0.5 to 0.012"},
		{"an unknown schedule", model.Denoiser, func(m *model.Manifest) { m.Scheduler.BetaSchedule = "x" }, `beta_schedule is "x"`},
		{"an unknown prediction", model.Denoiser, func(m *model.Manifest) { m.Scheduler.Prediction = "x" }, `prediction is "x"`},
		{"no condition", model.Denoiser, func(m *model.Manifest) { delete(m.Graphs["denoiser"].Inputs, "context") }, "wanted context or labels too"},
		{"labels of many tokens", model.Denoiser, func(m *model.Manifest) { m.Graphs["denoiser"].Inputs["labels"] = "l" }, "tokens is 257, a denoiser with labels has 1"},
		{"an input that no constant fills", model.Denoiser, func(m *model.Manifest) { m.Condition = nil }, `inputs are ["context" "latent" "sizes" "time"]`},
		{"a constant that is no input", model.Denoiser, func(m *model.Manifest) {
			m.Condition.Constants["areas"] = []float32{1}
		}, `"areas" is not a further input`},
		{"a constant of nothing", model.Denoiser, func(m *model.Manifest) {
			m.Condition.Constants["sizes"] = nil
		}, "sizes has no numbers"},
		{"a noise level without labels", model.Denoiser, func(m *model.Manifest) { m.Condition.NoiseLevel = 3 }, "noise_level is 3"},
		{"noise without labels", model.Denoiser, func(m *model.Manifest) { m.Condition.Noise = &model.LabelNoise{} }, "wanted one of 0 to 999 and the input labels"},
		{"noise of another size", model.Denoiser, func(m *model.Manifest) {
			m.T, m.Condition.ZeroText, m.Condition.Noise = 1, 0, &model.LabelNoise{Mean: []float32{1}}
			m.Graphs["denoiser"].Inputs["labels"] = "l"
		}, "mean and std have 1 and 0 numbers, wanted 768 each"},
		{"a negative text", model.Denoiser, func(m *model.Manifest) { m.Condition.ZeroText = -1 }, "zero_text is -1"},
		{"a condition of a CLIP", model.CLIP, func(m *model.Manifest) { m.Condition = &model.Condition{} }, "kind clip has no use for it"},
		{"a prior by UniPC", model.Prior, func(m *model.Manifest) { m.Sampling.Method = "unipc" }, `method is "unipc", wanted one of ["ddim" "ddpm"]`},
		{"tokens of no scale", model.Prior, func(m *model.Manifest) { m.Scale.Factor = 0 }, "token_scale: factor is 0"},
		{"a scale of a denoiser", model.Denoiser, func(m *model.Manifest) { m.Scale = &model.TokenScale{Factor: 1} }, "token_scale is set, kind denoiser"},
		{"a low level without a target", model.LowLevel, func(m *model.Manifest) { m.Target = "" }, "target is missing, kind lowlevel needs it"},
		{"an unknown method", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Method: "heun"} }, `method is "heun"`},
		{"an unknown spacing", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Spacing: "even"} }, `spacing is "even"`},
		{"Karras with DDIM", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Karras: true} }, "karras is set with method ddim"},
		{"an order of DDIM", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Order: 2} }, "order is 2"},
		{"an offset of trailing", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Offset: 1} }, "offset is 1"},
		{"too many steps", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Steps: 1001} }, "steps is 1001"},
		{"a negative guidance", model.Denoiser, func(m *model.Manifest) { m.Sampling = &model.Sampling{Guidance: -1} }, "guidance is -1"},
		{"a backbone of a CLIP", model.CLIP, func(m *model.Manifest) { m.Graphs["image"].Outputs["backbone"] = "b" }, `outputs are ["backbone" "tokens"]`},
		{"a target that is no fingerprint", model.Decoder, func(m *model.Manifest) { m.Target = "clip" }, `target is "clip"`},
		{"a path out of the folder", model.CLIP, func(m *model.Manifest) { m.Tokenizer.File = "../vocab.txt" }, `"../vocab.txt" is not a path inside`},
		{"an absolute path", model.CLIP, func(m *model.Manifest) { m.Tokenizer.File = "/etc/passwd" }, `"/etc/passwd" is not a path inside`},
		{"a path of another system", model.CLIP, func(m *model.Manifest) { m.Tokenizer.File = `C:\vocab.txt` }, "is not a path inside"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			m := manifest(test.kind)
			test.change(&m)
			_, err := model.Write(dir, m)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Write says %v, want ... %s ...", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, model.FileName)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a manifest was left behind (%v)", err)
			}
		})
	}
}

func TestFoldersThatAreNotModelsAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string) error
		want   string
		is     error
	}{
		{"no folder", func(_ *testing.T, dir string) error { return os.RemoveAll(dir) }, "no such file", fs.ErrNotExist},
		{"no manifest", func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, model.FileName)) }, "bundle.json", fs.ErrNotExist},
		{"no model", func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "a.onnx")) }, "a.onnx", fs.ErrNotExist},
		{"another model", func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "a.onnx"), []byte("Model"), 0o644)
		}, "a.onnx: bundle.json says sha256 9372c470", model.ErrChecksum},
		{"an unknown field", edit(`"kind"`, `"colour": "red", "kind"`), `unknown field "colour"`, model.ErrInvalid},
		{"a string for a number", edit(`"dim": 768`, `"dim": "768"`), `"dim" is a string, wanted a whole number`, model.ErrInvalid},
		{"cut off", edit("\n}\n", ""), "unexpected EOF", model.ErrInvalid},
		{"two objects", edit("\n}\n", "\n}{}"), "something after the JSON object", model.ErrInvalid},
		{"a huge manifest", edit("{", "{"+strings.Repeat(" ", 1<<20)), "more than 1048576 bytes", model.ErrInvalid},
		{"no checksum", edit(`"a.onnx": "9372`, `"b.onnx": "9372`), `"a.onnx" is named by a graph`, model.ErrInvalid},
		{"half a checksum", edit(`"a.onnx": "9372c470ee`, `"a.onnx": "`), "wanted a SHA-256", model.ErrInvalid},
		{"a link out of the folder", func(t *testing.T, dir string) error {
			other := filepath.Join(t.TempDir(), "model")
			if err := os.Rename(filepath.Join(dir, "a.onnx"), other); err != nil {
				return err
			}
			return os.Symlink(other, filepath.Join(dir, "a.onnx"))
		}, "path escapes", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			if _, err := model.Write(dir, manifest(model.CLIP)); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(t, dir); err != nil {
				t.Fatal(err)
			}
			_, err := model.Open(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open says %v, want ... %s ...", err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), filepath.Base(dir)) {
				t.Errorf("%q does not name the folder", err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

// edit returns a damage that replaces a part of the manifest.
func edit(old, new string) func(*testing.T, string) error {
	return func(t *testing.T, dir string) error {
		path := filepath.Join(dir, model.FileName)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("the manifest has no %q:\n%s", old, text)
		}
		return os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644)
	}
}

func TestWriteKeepsTheOldManifestWhereItFails(t *testing.T) {
	dir := folder(t)
	if _, err := model.Write(dir, manifest(model.CLIP)); err != nil {
		t.Fatal(err)
	}
	bad := manifest(model.CLIP)
	bad.Version = ""
	if _, err := model.Write(dir, bad); err == nil {
		t.Fatal("a manifest without version was written")
	}
	if _, err := model.Open(dir); err != nil {
		t.Errorf("the old model does not open any more: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("the folder has %v, want a.onnx, bundle.json and sub", entries)
	}
}

func TestWrapRefusesBeforeItCopies(t *testing.T) {
	graph := filepath.Join(folder(t), "a.onnx")
	dir := filepath.Join(t.TempDir(), "new")
	m := manifest(model.Features)
	m.D = 0
	if _, err := model.Wrap(dir, graph, m); !errors.Is(err, model.ErrInvalid) {
		t.Errorf("Wrap says %v, want %v", err, model.ErrInvalid)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made (%v)", err)
	}
	if _, err := model.Wrap(dir, graph, manifest(model.Features)); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); err != nil {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, kind := range kinds {
		m := manifest(kind)
		m.Format = model.Format
		m.Files = map[string]string{"a.onnx": fingerprint, "sub/vocab.txt": fingerprint}
		text, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.onnx"), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, model.FileName), text, 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := model.Open(dir)
		if err != nil {
			return
		}
		// The fingerprint is taken from the content, however the text is laid out.
		again, err := json.MarshalIndent(b.Manifest, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, model.FileName), again, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := model.Open(dir)
		if err != nil {
			t.Fatalf("opens, but not when it is written again: %v", err)
		}
		if c.Fingerprint() != b.Fingerprint() {
			t.Errorf("fingerprint %s became %s", b.Fingerprint(), c.Fingerprint())
		}
	})
}
