package clip_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// The digests are of the same pictures by numpy, from the formulas of FORMAT.md.
func TestCanaryImagesAreAsStated(t *testing.T) {
	want := []string{
		"524cbdc834c1c3653779445c311ce4400d8cc831e6691e83de9648ee69a2fd0c",
		"845d38070e4de3f8a8383f3f0917edbc02f263666002be44fcd1f8c0ae493968",
		"c0ad8f3339517351f7c8835620617100ff20916cdcc7ba362e81d221326d2085",
	}
	var got []string
	for _, img := range clip.CanaryImages() {
		got = append(got, fmt.Sprintf("%x", sha256.Sum256(img.Pix)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// withCanary makes the canary of m, changes it and writes it.
func withCanary(t *testing.T, rt *ort.Runtime, m *model.Model, change func(*model.Canary)) {
	t.Helper()
	c, err := clip.MakeCanary(t.Context(), rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	if err := model.WriteCanary(m.Dir(), *c); err != nil {
		t.Fatal(err)
	}
}

func TestACanaryIsCheckedOnceOnEachMachine(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for name, change := range map[string]func(*model.Canary){
		"another version of ONNX Runtime": func(c *model.Canary) { c.Machine.ONNXRuntime = "1.20.0" },
		"another processor":               func(c *model.Canary) { c.Machine.CPU = "another" },
		"another device":                  func(c *model.Canary) { c.Machine.Device = "cuda:0" },
		"another system":                  func(c *model.Canary) { c.Machine.OS = "plan9" },
		"another manifest":                func(c *model.Canary) { c.Fingerprint = strings.Repeat("0", 64) },
		"this machine":                    func(*model.Canary) {},
	} {
		m, err := clip.WritePixels(t.TempDir(), 8)
		if err != nil {
			t.Fatal(err)
		}
		withCanary(t, rt, m, change)
		before := entries(t, m.Dir())
		e, memory := open(t, rt, m, clip.Options{}), filepath.Join(t.TempDir(), "memory")
		for _, want := range []bool{name != "this machine", false} {
			got, err := clip.CheckCanary(t.Context(), rt, e, memory)
			if err != nil || got.Checked != want || got.Warning != "" || got.Cosine < 1-1e-9 {
				t.Errorf("%s: %+v, %v; want checked %t", name, got, err, want)
			}
		}
		if got, err := clip.CheckCanary(t.Context(), rt, e, ""); err != nil || got.Checked != (name != "this machine") {
			t.Errorf("%s, without a memory: %+v, %v", name, got, err)
		}
		// The model's folder may be read-only, so that nothing is written there.
		if diff := cmp.Diff(before, entries(t, m.Dir())); diff != "" {
			t.Errorf("%s: the model's folder changed: %s", name, diff)
		}
	}
}

// entries returns names and times of a folder's files.
func entries(t *testing.T, dir string) (list []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(file.Name(), info.Size(), info.ModTime()))
	}
	return list
}

// turn returns a unit vector that has the cosine c to v.
func turn(v []float32, c float64) []float32 {
	turned := make([]float32, len(v))
	// The part of the axis of the smallest element that is orthogonal to v.
	at := 0
	for i, x := range v {
		if math.Abs(float64(x)) < math.Abs(float64(v[at])) {
			at = i
		}
	}
	length := math.Sqrt(1 - float64(v[at])*float64(v[at]))
	for i, x := range v {
		other := -float64(v[at]) * float64(x)
		if i == at {
			other++
		}
		turned[i] = float32(c*float64(x) + math.Sqrt(1-c*c)*other/length)
	}
	return turned
}

func TestVectorsThatDifferAreToldByPrecision(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for _, test := range []struct {
		precision     string
		cosine        float64
		warned, fails bool
	}{
		{"", .99995, false, false}, {"", .9995, true, false}, {"", .98, true, true},
		{"fp16", .9995, false, false}, {"fp16", .998, true, false}, {"fp16", .5, true, true},
		{"int8", .9995, false, false}, {"int8", .9, true, false}, {"int8", -.5, true, false},
	} {
		m, err := clip.WritePixels(t.TempDir(), 8)
		if err != nil {
			t.Fatal(err)
		}
		withCanary(t, rt, m, func(c *model.Canary) {
			c.Machine.CPU = "another"
			c.Images[1] = turn(c.Images[1], test.cosine)
		})
		m.Precision = test.precision
		memory := t.TempDir()
		got, err := clip.CheckCanary(t.Context(), rt, open(t, rt, m, clip.Options{}), memory)
		if !got.Checked || math.Abs(got.Cosine-test.cosine) > 1e-6 {
			t.Errorf("%q, cosine %v: %+v", test.precision, test.cosine, got)
		}
		if errors.Is(err, clip.ErrCanary) != test.fails || (err != nil || got.Warning != "") != test.warned {
			t.Errorf("%q, cosine %v: warning %q, error %v", test.precision, test.cosine, got.Warning, err)
		}
		if test.warned && len(entries(t, memory)) > 0 {
			t.Errorf("%q, cosine %v: it is remembered as a success", test.precision, test.cosine)
		}
	}
}

// A graph that was changed is told although its checksum was changed with it.
func TestASilentlyChangedGraphIsTold(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	m := sumModel(t, value("ids", onnx.Int64, -1, 9))
	m.Tokenizer.Context = 9 // so that all texts have padding
	withCanary(t, rt, m, func(*model.Canary) {})
	if got, err := clip.CheckCanary(t.Context(), rt, openText(t, rt, m, clip.Options{}), ""); err != nil || got.Checked {
		t.Fatalf("before the change: %+v, %v", got, err)
	}
	other := sumModel(t, value("ids", onnx.Int64, -1, 9), value("mask", onnx.Int64, -1, 9)) // ignores the padding
	text, err := os.ReadFile(other.GraphPath("text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.GraphPath("text"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	changed := m.Manifest
	changed.Graphs["text"] = other.Graphs["text"]
	if m, err = model.Write(m.Dir(), changed); err != nil {
		t.Fatal(err)
	}
	_, err = clip.CheckCanary(t.Context(), rt, openText(t, rt, m, clip.Options{}), t.TempDir())
	if !errors.Is(err, clip.ErrCanary) || !strings.Contains(err.Error(), "the text graph of "+m.Dir()) {
		t.Errorf("a changed text graph: %v", err)
	}
	// The image graph is what it was.
	if got, err := clip.CheckCanary(t.Context(), rt, open(t, rt, m, clip.Options{}), t.TempDir()); err != nil || !got.Checked || got.Warning != "" {
		t.Errorf("the image graph beside it: %+v, %v", got, err)
	}
}

func TestTextsThatTheTokenizerDoesNotKnowHaveNoCanary(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	c, err := clip.MakeCanary(t.Context(), rt, sumModel(t, value("ids", onnx.Int64, -1, 5)), clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Images) != 3 || len(c.Texts) != 3 || len(c.Texts[0]) != 4 || len(c.Texts[1]) != 0 || len(c.Texts[2]) != 4 {
		t.Errorf("images %v, texts %v; want a text without a vector between two others", c.Images, c.Texts)
	}
}

func TestDriftOfTheQuantisedGraphs(t *testing.T) {
	t.Parallel()
	rt, r := orttest.Runtime(t), repositories[0]
	full, err := clip.MakeCanary(t.Context(), rt, r.open(t, nil), clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.image.file, r.text.file = "onnx/vision_model_quantized.onnx", "onnx/text_model_quantized.onnx"
	int8, err := clip.MakeCanary(t.Context(), rt, r.open(t, func(m *model.Manifest) { m.Precision = "int8" }), clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	image, text, ok := clip.Drift(full, int8)
	t.Logf("int8 has cosine %.4f to fp32 for pictures, %.4f for texts", image, text)
	if !ok || image < .9 || image > .99999 || text < .9 || text > .99999 {
		t.Errorf("drift is %v, %v, %v; want a little", image, text, ok)
	}
	if image, text, ok := clip.Drift(full, full); !ok || image < 1-1e-9 || text < 1-1e-9 {
		t.Errorf("drift to itself is %v, %v, %v", image, text, ok)
	}
	if _, _, ok := clip.Drift(full, &model.Canary{Images: full.Images}); ok {
		t.Error("a model without texts has a drift to one with texts")
	}
}
