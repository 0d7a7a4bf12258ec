package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed/clip"
	"engram/embed/model"
)

// pixelsModel writes the built-in model as a bare ONNX file.
func pixelsModel(t *testing.T) string {
	t.Helper()
	m, err := clip.WritePixels(t.TempDir(), 16)
	if err != nil {
		t.Fatal(err)
	}
	return m.GraphPath("image")
}

func TestImportReadsAnONNXFile(t *testing.T) {
	c := newCLI(t)
	graph, out := pixelsModel(t), filepath.Join(t.TempDir(), "model")
	text := c.must("model", "import", graph, "--out", out, "--name", "plain", "--resize", "bilinear", "--mean", ".5,.4,.3", "--std", ".2,.2,.2")
	for _, want := range []string{"plain 1 (features)", "1 token(s) of 256 elements", "16×16 pixels, bilinear", "mean [0.5 0.4 0.3]"} {
		if !strings.Contains(text, want) {
			t.Errorf("import prints %q, want it to have %q", text, want)
		}
	}
	m, err := model.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Fingerprint string
		Manifest    json.RawMessage
	}
	c.json(&shown, "model", "show", out)
	if shown.Fingerprint != m.Fingerprint() || !strings.Contains(string(shown.Manifest), `"name": "plain"`) {
		t.Errorf("show prints %+v, want the fingerprint %s and the manifest", shown, m.Fingerprint())
	}
}

// Scripts were written when a model was called a bundle.
func TestOlderNamesOfModelsWork(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	photos, out, index := filepath.Join(dir, "photos"), filepath.Join(dir, "model"), filepath.Join(dir, "index")
	writePNG(t, filepath.Join(photos, "a.png"), 20, 20)
	c.must("bundle", "wrap", pixelsModel(t), "--out", out, "--name", "plain")
	c.must("bundle", "show", out)
	c.must("index", "build", photos, "--bundle", out, "--out", index)
	hits := c.must("search", "--index", index, "--image", filepath.Join(photos, "a.png"), "--bundle", out)
	if !strings.Contains(hits, "a.png") {
		t.Errorf("search prints %q", hits)
	}
}

func TestImportRefuses(t *testing.T) {
	c := newCLI(t)
	graph, dir := pixelsModel(t), t.TempDir()
	out, photos := filepath.Join(dir, "model"), filepath.Join(dir, "photos")
	writePNG(t, filepath.Join(photos, "a.png"), 1, 1)
	for _, test := range []struct {
		want []string
		args []string
	}{
		{[]string{"nowhere.onnx", "no such file"}, []string{"nowhere.onnx", "--out", out}},
		{[]string{"fetch it with engram model get hf:owner/name"}, []string{"hf:owner/name", "--out", out}},
		{[]string{"stat nowhere: no such file"}, []string{photos, "--text", "nowhere", "--out", out}},
		{[]string{"a.png", "not an ONNX model"}, []string{filepath.Join(photos, "a.png"), "--out", out}},
		{[]string{`no output "bogus"`, "embedding"}, []string{graph, "--out", out, "--output", "bogus"}},
		{[]string{"float32[1,3,8,8]", "wanted float32[?,3,16,16]"}, []string{graph, "--out", out, "--size", "8"}},
		{[]string{"--size is 9999999 pixels"}, []string{graph, "--out", out, "--size", "9999999"}},
		{[]string{"--mean has 1 numbers, wanted 3"}, []string{graph, "--out", out, "--mean", "1"}},
		{[]string{"std is [0 1 1]"}, []string{graph, "--out", out, "--std", "0,1,1"}},
		{[]string{`--kind is "vae"`}, []string{graph, "--out", out, "--kind", "vae"}},
		{[]string{"photos is not empty and holds no model"}, []string{graph, "--out", photos}},
	} {
		c.refuse(test.want, append([]string{"model", "import"}, test.args...)...)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a refused import left %s (%v)", out, err)
	}
}

func TestShowRefusesADamagedModel(t *testing.T) {
	c := newCLI(t)
	graph, out := pixelsModel(t), filepath.Join(t.TempDir(), "model")
	c.must("model", "import", graph, "--out", out)
	file := filepath.Join(out, filepath.Base(graph))
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{file, "checksum mismatch"}, "model", "show", out)
}

func TestImportMakesAModelOfAFolder(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	folder := func(name string) string { return filepath.Join(published, name) }
	text := c.must("model", "import", folder("transformers-js"), "--as", "mine", "--licence", "MIT", "--precision", "int8")
	for _, want := range []string{"transformers-js 1 (clip)", "precision    int8", "licence      MIT", "words        yes, texts of up to 77 tokens", "onnx/text_model_quantized.onnx", "canary       made by"} {
		if !strings.Contains(text, want) {
			t.Errorf("import prints %q, want it to have %q", text, want)
		}
	}
	if text := c.must("model", "import", folder("fastembed-vision"), "--text", folder("fastembed-text"), "--as", "both"); !strings.Contains(text, "text/model.onnx") {
		t.Errorf("import of two folders prints %q", text)
	}
	// A model is copied as it is.
	var mine, copied struct{ Dir, Fingerprint string }
	c.json(&mine, "model", "show", "mine")
	out := filepath.Join(t.TempDir(), "copy")
	c.must("model", "import", mine.Dir, "--out", out)
	c.json(&copied, "model", "show", out)
	if copied.Fingerprint != mine.Fingerprint {
		t.Errorf("a copied model has the fingerprint %s, want %s", copied.Fingerprint, mine.Fingerprint)
	}
	// Another one in its place leaves what is not the model's.
	note := filepath.Join(out, "note.txt")
	writeFile(t, note, []byte("mine"))
	c.must("model", "import", folder("dinov2"), "--out", out)
	if found, err := os.ReadFile(note); err != nil || string(found) != "mine" {
		t.Errorf("the note beside the model is %q (%v)", found, err)
	}
	if _, err := os.Stat(filepath.Join(out, "tokenizer.json")); !os.IsNotExist(err) {
		t.Errorf("the tokenizer of the model before is still there (%v)", err)
	}
	for _, test := range []struct {
		want []string
		args []string
	}{
		{[]string{"mine is installed already", "--as"}, []string{folder("transformers-js"), "--as", "mine"}},
		{[]string{"--mean is for a bare ONNX file"}, []string{folder("transformers-js"), "--mean", ".5,.5,.5"}},
		{[]string{"--text is for folders"}, []string{pixelsModel(t), "--text", "x"}},
		{[]string{"no-onnx", "no ONNX file"}, []string{folder("no-onnx")}},
		{[]string{"unknown-operator", "com.example.Whirl"}, []string{folder("unknown-operator")}},
		{[]string{"lfs-pointer", "git lfs pull"}, []string{folder("lfs-pointer")}},
		{[]string{"as", "out"}, []string{folder("dinov2"), "--as", "x", "--out", "y"}},
		{[]string{"clip-vit-b-32 is in the catalogue for another model"}, []string{folder("dinov2"), "--as", "clip-vit-b-32"}},
	} {
		c.refuse(test.want, append([]string{"model", "import"}, test.args...)...)
	}
	if got, want := c.models(), []string{"both", "mine"}; !slices.Equal(got, want) {
		t.Errorf("the folder of models has %q, want %q", got, want)
	}
}

func TestAFolderWithoutAManifestSaysHowToMakeOne(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.refuse([]string{"dinov2 holds no bundle.json", "engram model import"}, "model", "show", filepath.Join(published, "dinov2"))
}
