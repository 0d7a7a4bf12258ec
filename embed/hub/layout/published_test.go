package layout_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/hub"
	"engram/embed/hub/hubtest"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

const repositories = "testdata/repositories"

// expected are the answers of Python (scripts/golden_layouts.py, testdata/README.md).
type expected struct {
	Dim       int    `json:"dim"`
	ImageSize int    `json:"image_size"`
	Resize    int    `json:"resize"`
	Context   int    `json:"context"`
	Rounding  string `json:"rounding"`
	Images    []struct {
		File string `json:"file"`
		vectors
	} `json:"images"`
	Texts []struct {
		Text string `json:"text"`
		vectors
	} `json:"texts"`
}

// vectors of one picture or text. A variant that is absent equals Vector.
type vectors struct {
	Vector    embed.Vector `json:"vector"`
	FP16      embed.Vector `json:"fp16"`
	Quantized embed.Vector `json:"quantized"`
	Floor     embed.Vector `json:"floor"` // with the centre crop rounded down
}

// of returns the vector of a variant.
func (v vectors) of(variant string) embed.Vector {
	for name, have := range map[string]embed.Vector{"fp16": v.FP16, "int8": v.Quantized, "floor": v.Floor} {
		if name == variant && have != nil {
			return have
		}
	}
	return v.Vector
}

func readExpected(t *testing.T, name string) *expected {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/expected", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// snapshot is a repository of the hub as a Source.
type snapshot struct {
	client *hub.Client
	*hub.Snapshot
}

func (s snapshot) Files() []layout.File {
	var files []layout.File
	for _, f := range s.Snapshot.Files {
		files = append(files, layout.File{Path: f.Path, Size: f.Size})
	}
	return files
}

func (s snapshot) Read(ctx context.Context, path string) ([]byte, error) {
	return s.client.Read(ctx, s.Snapshot, path)
}

// fetchModel makes a model of a repository of a hub that publishes the folders of
// testdata. text, if it is not empty, is the repository of the text tower.
func fetchModel(t *testing.T, client *hub.Client, name, text string, opts layout.Options) (*model.Model, *layout.Plan, error) {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	source := func(name string) snapshot {
		snap, err := client.Resolve(ctx, "test/"+name, "main")
		if err != nil {
			t.Fatal(err)
		}
		return snapshot{client, snap}
	}
	images, texts := source(name), snapshot{}
	if text != "" {
		texts = source(text)
		opts.Text = texts
	}
	plan, err := layout.New(ctx, images, opts)
	if err != nil {
		return nil, plan, err
	}
	fetch, fetchText := plan.Fetch, plan.FetchText
	for len(fetch)+len(fetchText) > 0 {
		if len(fetch) > 0 {
			if _, err := client.Fetch(ctx, images.Snapshot, fetch, dir, nil); err != nil {
				t.Fatal(err)
			}
		}
		if len(fetchText) > 0 {
			if _, err := client.Fetch(ctx, texts.Snapshot, fetchText, filepath.Join(dir, layout.TextDir), nil); err != nil {
				t.Fatal(err)
			}
		}
		if fetch, fetchText, err = plan.External(dir); err != nil {
			return nil, plan, err
		}
	}
	manifest, err := plan.Finish(dir, layout.Identity{Name: name, Version: images.Commit, Source: "hf:test/" + name + "@" + images.Commit})
	if err != nil {
		return nil, plan, err
	}
	if _, err := model.Write(dir, manifest); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m, plan, nil
}

// without is a file system without one file.
type without struct {
	fs.FS
	name string
}

func (w without) Open(name string) (fs.File, error) {
	if name == w.name {
		return nil, fs.ErrNotExist
	}
	return w.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return path.Join(name, e.Name()) == w.name }), err
}

// testHub is a client of a hub with all repositories of testdata.
func testHub(t *testing.T) *hub.Client {
	t.Helper()
	folders, err := os.ReadDir(repositories)
	if err != nil {
		t.Fatal(err)
	}
	repos := []hubtest.Repo{
		// SigLIP as it was published at first: the tokenizer is SentencePiece's model.
		{Name: "test/siglip-sentencepiece", Files: without{os.DirFS(filepath.Join(repositories, "siglip")), "tokenizer.json"}},
	}
	for _, folder := range folders {
		repos = append(repos, hubtest.Repo{Name: "test/" + folder.Name(), Files: os.DirFS(filepath.Join(repositories, folder.Name()))})
	}
	client, err := hub.New(hub.Options{Endpoint: hubtest.New(t, repos...).URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestEveryLayoutGivesThePublishersVectors opens each repository by its name from a
// hub on this machine, encodes the pictures and the texts, and compares with Python's
// ONNX Runtime after Pillow, the reference's preprocessing and Hugging Face's
// tokenizers.
func TestEveryLayoutGivesThePublishersVectors(t *testing.T) {
	t.Parallel()
	client, rt := testHub(t), orttest.Runtime(t)
	for _, c := range []struct {
		name, text, precision string
		expected              string // where it is not the name's
		layout, variant       string
		kind                  model.Kind
		least                 float64 // cosine; 0 means .99999
	}{
		{name: "transformers-js", layout: "transformers.js"},
		{name: "transformers-js", layout: "transformers.js", precision: "fp16", variant: "fp16"},
		{name: "transformers-js", layout: "transformers.js", precision: "int8", variant: "int8", least: .999},
		{name: "clip-generation-1", layout: "transformers.js"},
		{name: "clip-generation-3", layout: "transformers.js"},
		{name: "clip-generation-4", layout: "transformers.js"},
		{name: "external-data", layout: "transformers.js"},
		{name: "immich", layout: "Immich", variant: "floor"},
		{name: "immich-squash", layout: "Immich"},
		{name: "immich-multilingual", layout: "Immich", variant: "floor"},
		{name: "fastembed-vision", text: "fastembed-text", layout: "fastembed"},
		{name: "whole-graph", layout: "whole graph"},
		{name: "siglip", layout: "transformers.js"},
		{name: "siglip-sentencepiece", expected: "siglip", layout: "transformers.js"},
		{name: "siglip2", layout: "transformers.js"},
		{name: "jina-clip", layout: "transformers.js"},
		{name: "exported", layout: "Engram"},
		{name: "dinov2", layout: "DINOv2", kind: model.Features},
	} {
		t.Run(c.name+c.precision, func(t *testing.T) {
			m, plan, err := fetchModel(t, client, c.name, c.text, layout.Options{Precision: c.precision})
			if err != nil {
				t.Fatal(err)
			}
			if plan.Layout != c.layout {
				t.Errorf("the layout is called %q, wanted %q", plan.Layout, c.layout)
			}
			want := readExpected(t, cmp.Or(c.expected, c.name))
			if c.text != "" {
				want.Texts = readExpected(t, c.text).Texts
				want.Context = readExpected(t, c.text).Context
			}
			want.checkManifest(t, m)
			if c.kind == model.Features != (m.Kind == model.Features) {
				t.Errorf("the kind is %s", m.Kind)
			}
			least := c.least
			if least == 0 {
				least = .99999
			}
			worst := min(want.worstImage(t, rt, m, c.variant), want.worstText(t, rt, m, c.variant))
			if worst < least {
				t.Errorf("the worst cosine to Python's vectors is %.7f, wanted %v", worst, least)
			}
			t.Logf("%d pictures and %d texts: the worst cosine is %.8f", len(want.Images), len(want.Texts), worst)
		})
	}
}

// checkManifest compares what the manifest says with what Python did.
func (e *expected) checkManifest(t *testing.T, m *model.Model) {
	t.Helper()
	if m.D != e.Dim || m.ImageSize != e.ImageSize || m.Preprocess.Resize != e.Resize {
		t.Errorf("the manifest says D %d, %d pixels, resize %d; wanted %d, %d, %d",
			m.D, m.ImageSize, m.Preprocess.Resize, e.Dim, e.ImageSize, e.Resize)
	}
	switch {
	case (m.Tokenizer != nil) != (len(e.Texts) > 0):
		t.Errorf("the manifest has the tokenizer %v for %d texts", m.Tokenizer, len(e.Texts))
	case m.Tokenizer != nil && m.Tokenizer.Context != e.Context:
		t.Errorf("the context is %d, wanted %d", m.Tokenizer.Context, e.Context)
	}
}

// worstImage returns the least cosine of the pictures' vectors to the expected ones.
func (e *expected) worstImage(t *testing.T, rt *ort.Runtime, m *model.Model, variant string) float64 {
	t.Helper()
	encoder, err := clip.Open(rt, m, clip.Options{Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	var pictures []*pixels.Image
	for _, image := range e.Images {
		picture, err := pixels.DecodeFile(t.Context(), filepath.Join("testdata/pictures", image.File), pixels.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, picture)
	}
	vectors, err := encoder.Encode(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	worst := 1.
	for i, v := range vectors {
		worst = min(worst, cosine(v, e.Images[i].of(variant)))
	}
	return worst
}

// worstText is worstImage for texts. Empty ones have no vector here.
func (e *expected) worstText(t *testing.T, rt *ort.Runtime, m *model.Model, variant string) float64 {
	t.Helper()
	if len(e.Texts) == 0 {
		return 1
	}
	encoder, err := clip.OpenText(rt, m, clip.Options{Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	worst := 1.
	for _, text := range e.Texts {
		if text.Text == "" {
			continue
		}
		vectors, err := encoder.Encode(t.Context(), []string{text.Text})
		if err != nil {
			t.Errorf("%q: %v", text.Text, err)
			continue
		}
		c := cosine(vectors[0], text.of(variant))
		if c < .999 {
			t.Errorf("%q: the cosine to Python's vector is %.6f", text.Text, c)
		}
		worst = min(worst, c)
	}
	return worst
}

// cosine returns the cosine of two vectors.
func cosine(a, b embed.Vector) float64 {
	if len(a) != len(b) {
		return -1
	}
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return dot / math.Sqrt(aa*bb)
}

// TestWhatMakesNoModelIsRefused wants one sentence that names the file.
func TestWhatMakesNoModelIsRefused(t *testing.T) {
	client := testHub(t)
	for name, want := range map[string]string{
		"no-onnx":          "there is no ONNX file, only weights as .safetensors: scripts/export_clip.py makes a model of them",
		"unknown-operator": "onnx/vision_model.onnx uses the operator com.example.Whirl",
		"towers-differ":    "onnx/vision_model.onnx gives 16 elements and onnx/text_model.onnx 24",
		"fastembed-text":   "model_type is clip_text_model, a text tower alone",
	} {
		_, _, err := fetchModel(t, client, name, "", layout.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwanted %q", name, err, want)
		}
	}
	// The hub refuses pointers itself, so this one lies in a folder, as after git clone.
	src, err := layout.Folder(filepath.Join(repositories, "lfs-pointer"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := layout.New(t.Context(), src, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error {
			_, err := plan.Finish(filepath.Join(repositories, "lfs-pointer"), layout.Identity{Name: "x"})
			return err
		},
		func() error { _, _, err := plan.External(filepath.Join(repositories, "lfs-pointer")); return err },
	} {
		if err := step(); err == nil || !strings.Contains(err.Error(), "layout: onnx/vision_model.onnx is a pointer") {
			t.Errorf("a pointer: %v", err)
		}
	}
	if !slices.Contains(plan.Fetch, "onnx/vision_model.onnx") {
		t.Errorf("the plan fetches %q", plan.Fetch)
	}
}
