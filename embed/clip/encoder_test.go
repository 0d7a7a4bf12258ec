package clip_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"engram/data/realtest"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// photo decodes an image file.
func photo(t testing.TB, path string) *pixels.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := pixels.Decode(t.Context(), file, pixels.Limits{})
	if err != nil {
		t.Fatal(path, err)
	}
	return img
}

// mobileNet returns the model of the real MobileNetV2 with the named output,
// of d elements, as its embedding.
func mobileNet(t testing.TB, output string, d int) *model.Model {
	t.Helper()
	m, err := model.Wrap(t.TempDir(), realtest.Path(t, "models/mobilenetv2/mobilenetv2.onnx"), model.Manifest{
		Kind: model.Features, Name: "mobilenetv2", Version: "1.0-224", Licence: "Apache-2.0", Source: "google-coral/test_data",
		Graphs: map[string]model.Graph{"image": {
			Inputs: map[string]string{"pixels": "input"}, Outputs: map[string]string{"embedding": output},
		}},
		T: 1, D: d, ImageSize: 224,
		Preprocess: &model.Preprocess{
			Filter: "bicubic", Antialias: true, Crop: "center", Range: [2]float64{0, 1},
			Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// open opens an encoder until the test ends.
func open(t testing.TB, rt *ort.Runtime, m *model.Model, opts clip.Options) *clip.Encoder {
	t.Helper()
	e, err := clip.Open(rt, m, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// encode is Encode that must work.
func encode(t testing.TB, e *clip.Encoder, images ...*pixels.Image) []embed.Vector {
	t.Helper()
	v, err := e.Encode(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// golden reads a vector that scripts/golden_preprocess.py wrote.
func golden(t *testing.T, name string) embed.Vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Vector embed.Vector }
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g.Vector
}

func worstOf(a, b []float32) float64 {
	var worst float64
	for i, v := range a {
		worst = max(worst, math.Abs(float64(v)-float64(b[i])))
	}
	return worst
}

const samplePNG = "../pixels/testdata/decode/rgb.png"

func TestPixelsEqualsNumpy(t *testing.T) {
	m, err := clip.WritePixels(t.TempDir(), 8)
	if err != nil {
		t.Fatal(err)
	}
	got := encode(t, open(t, orttest.Runtime(t), m, clip.Options{}), photo(t, samplePNG))[0]
	want := golden(t, "pixels.json")
	if len(got) != len(want) {
		t.Fatalf("%d elements, want %d", len(got), len(want))
	}
	const tolerance = 1e-6 // float32 against float64
	if off := worstOf(got, want); off > tolerance {
		t.Errorf("an element is off by %g, want at most %g", off, tolerance)
	}
}

func TestMobileNetEqualsPillowWithONNXRuntime(t *testing.T) {
	e := open(t, orttest.Runtime(t), mobileNet(t, "features", 1280), clip.Options{})
	got, want := encode(t, e, photo(t, samplePNG))[0], golden(t, "mobilenetv2.json")
	const tolerance = 1e-5 // kernels differ between processors
	if off := worstOf(got, want); off > tolerance || len(got) != len(want) {
		t.Errorf("an element is off by %g, want at most %g", off, tolerance)
	}
}

// Every photo of ImageNet has its class in its name. The model answers .89 of
// them in Python; far less would mean that preprocessing is wrong.
func TestMobileNetKnowsItsClasses(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(realtest.Path(t, "photos/imagenet"), "*.JPEG"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no photos (%v)", err)
	}
	text, err := os.ReadFile(realtest.Path(t, "models/mobilenetv2/imagenet_labels.txt"))
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Split(string(text), "\n")
	e := open(t, orttest.Runtime(t), mobileNet(t, "probs", 1001), clip.Options{})
	right := 0
	for group := range slices.Chunk(names, 50) {
		var images []*pixels.Image
		for _, name := range group {
			images = append(images, photo(t, name))
		}
		for i, probs := range encode(t, e, images...) {
			// n03325584_feather_boa.JPEG against "feather boa, boa".
			_, class, _ := strings.Cut(strings.TrimSuffix(filepath.Base(group[i]), ".JPEG"), "_")
			found := labels[slices.Index(probs, slices.Max(probs))]
			if first, _, _ := strings.Cut(found, ","); strings.EqualFold(first, strings.ReplaceAll(class, "_", " ")) {
				right++
			}
		}
	}
	top1 := float64(right) / float64(len(names))
	t.Logf("top-1 is %.3f of %d", top1, len(names))
	if top1 < .85 {
		t.Errorf("top-1 is %.3f, want at least .85", top1)
	}
}

func TestABatchEqualsSingleRuns(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	e := open(t, rt, mobileNet(t, "features", 1280), clip.Options{Batch: 3})
	names, err := filepath.Glob(filepath.Join(realtest.Path(t, "photos/coco"), "val2017", "*.jpg"))
	if err != nil || len(names) < 8 {
		t.Fatalf("%d photos (%v)", len(names), err)
	}
	var images []*pixels.Image
	for _, name := range names[:8] { // batches of 3, 3 and 2
		images = append(images, photo(t, name))
	}
	together := encode(t, e, images...)

	var wait sync.WaitGroup
	for i, img := range images {
		wait.Go(func() {
			alone, err := e.Encode(t.Context(), []*pixels.Image{img})
			if err != nil {
				t.Error(err)
				return
			}
			const tolerance = 1e-5 // kernels differ with the batch
			if off := worstOf(alone[0], together[i]); off > tolerance {
				t.Errorf("image %d: alone and in a batch differ by %g, want at most %g", i, off, tolerance)
			}
			if norm := embed.Norm(alone[0]); math.Abs(norm-1) > 1e-6 {
				t.Errorf("image %d: length %v, want 1", i, norm)
			}
		})
	}
	wait.Wait()
	if same := worstOf(together[0], together[1]); same < 1e-3 {
		t.Errorf("two photos have the same vector up to %g", same)
	}
}

// tokenModel writes a CLIP of T = 2 tokens and D = 3 for images of 2×2 pixels:
// token 0 is the red of the first three pixels, token 1 their blue. The graph takes n
// images at a time, or any number where n is -1.
func tokenModel(t *testing.T, n int64) *model.Model {
	t.Helper()
	ints := func(name string, v ...int64) onnx.Tensor {
		return onnx.Tensor{Name: name, Type: onnx.Int64, Shape: []int64{int64(len(v))}, Data: v}
	}
	graph, err := onnx.Marshal(&onnx.Graph{
		Name:    "tokens",
		Inputs:  []onnx.Value{{Name: "x", Type: onnx.Float, Shape: []int64{n, 3, 2, 2}}},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float, Shape: []int64{n, 2, 3}}},
		Consts: []onnx.Tensor{
			ints("flat", 0, 3, 4), ints("colours", 0, 2), ints("zero", 0), ints("three", 3), ints("axis", 2),
		},
		Nodes: []onnx.Node{
			{Op: "Reshape", Inputs: []string{"x", "flat"}, Outputs: []string{"rows"}},
			{Op: "Gather", Inputs: []string{"rows", "colours"}, Outputs: []string{"two"}, Attrs: []onnx.Attr{{Name: "axis", Value: int64(1)}}},
			{Op: "Slice", Inputs: []string{"two", "zero", "three", "axis"}, Outputs: []string{"y"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tokens.onnx")
	if err := os.WriteFile(file, graph, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := model.Wrap(t.TempDir(), file, model.Manifest{
		Kind: model.CLIP, Name: "tokens", Version: "1", Licence: "MIT", Source: "a test",
		Graphs: map[string]model.Graph{"image": {
			Inputs: map[string]string{"pixels": "x"}, Outputs: map[string]string{"tokens": "y"},
		}},
		T: 2, D: 3, ImageSize: 2,
		Preprocess: &model.Preprocess{
			Filter: "bicubic", Crop: "center", Range: [2]float64{0, 255}, Std: [3]float64{1, 1, 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTokensAreDividedByTheNormOfTheFirst(t *testing.T) {
	e := open(t, orttest.Runtime(t), tokenModel(t, -1), clip.Options{})
	img := &pixels.Image{W: 2, H: 2, Pix: []byte{3, 0, 10, 0, 0, 0, 4, 0, 20, 9, 9, 9}}
	tokens, err := e.EncodeTokens(t.Context(), []*pixels.Image{img, img})
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{.6, 0, .8, 2, 0, 4}
	for _, got := range tokens {
		if got.T != 2 || got.D != 3 || worstOf(got.Data, want) > 1e-6 {
			t.Errorf("tokens are %+v, want 2×3 of %v", got, want)
		}
	}
	if got := encode(t, e, img)[0]; worstOf(got, want[:3]) > 1e-6 || len(got) != 3 {
		t.Errorf("the global vector is %v, want %v", got, want[:3])
	}

	black := &pixels.Image{W: 2, H: 2, Pix: make([]byte, 12)}
	for name, encode := range map[string]func() error{
		"Encode":       func() error { _, err := e.Encode(t.Context(), []*pixels.Image{img, black}); return err },
		"EncodeTokens": func() error { _, err := e.EncodeTokens(t.Context(), []*pixels.Image{img, black}); return err },
	} {
		err := encode()
		if !errors.Is(err, embed.ErrZero) || !strings.Contains(err.Error(), "image 2 of 2") {
			t.Errorf("%s of a black image says %v, want image 2 of 2: %v", name, err, embed.ErrZero)
		}
	}
}

func TestAFlatImageHasAPixelEmbedding(t *testing.T) {
	m, err := clip.WritePixels(t.TempDir(), 4)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, orttest.Runtime(t), m, clip.Options{})
	flat := &pixels.Image{W: 5, H: 4, Pix: make([]byte, 60)}
	grey := &pixels.Image{W: 4, H: 4, Pix: slices.Repeat([]byte{77}, 48)}
	v := encode(t, e, flat, grey, photo(t, samplePNG))
	if same := embed.Dot(v[0], v[1]); same < .99 {
		t.Errorf("two flat images have cosine %v, want about 1", same)
	}
	if other := embed.Dot(v[0], v[2]); math.Abs(other) > .01 {
		t.Errorf("a flat image and a picture have cosine %v, want about 0", other)
	}
}

func TestWritePixelsIsDeterministic(t *testing.T) {
	first, err := clip.WritePixels(t.TempDir(), 16)
	if err != nil {
		t.Fatal(err)
	}
	second, err := clip.WritePixels(t.TempDir(), 16)
	if err != nil {
		t.Fatal(err)
	}
	if first.Fingerprint() != second.Fingerprint() {
		t.Errorf("fingerprints are %s and %s", first.Fingerprint(), second.Fingerprint())
	}
	if _, err := clip.WritePixels(t.TempDir(), 1); err == nil {
		t.Error("one pixel was accepted")
	}
}

func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	rt := orttest.Runtime(t)
	for _, test := range []struct {
		name   string
		change func(*model.Manifest)
		want   string
		is     error
	}{
		{"another D", func(m *model.Manifest) { m.D = 15 }, "embedding", ort.ErrMismatch},
		{"another size", func(m *model.Manifest) { m.ImageSize = 5 }, "image", ort.ErrMismatch},
		{"another name", func(m *model.Manifest) { m.Graphs["image"].Outputs["embedding"] = "tokens" }, "tokens", ort.ErrMismatch},
		{"another kind", func(m *model.Manifest) { m.Kind = model.VAE }, "kind vae, wanted clip or features", clip.ErrKind},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := clip.WritePixels(t.TempDir(), 4)
			if err != nil {
				t.Fatal(err)
			}
			test.change(&b.Manifest)
			_, err = clip.Open(rt, b, clip.Options{})
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), b.Dir()) {
				t.Errorf("Open says %v, want a sentence about %s in %s", err, test.want, b.Dir())
			}
		})
	}
}

func TestEncodeStopsWithItsContextAndRefusesWhatIsNoImage(t *testing.T) {
	m, err := clip.WritePixels(t.TempDir(), 4)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, orttest.Runtime(t), m, clip.Options{})
	img := photo(t, samplePNG)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Encode(ctx, []*pixels.Image{img}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	for _, bad := range []*pixels.Image{nil, {}, {W: 2, H: 2, Pix: make([]byte, 11)}} {
		if _, err := e.Encode(t.Context(), []*pixels.Image{img, bad}); err == nil || !strings.Contains(err.Error(), "image 2") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if v := encode(t, e); len(v) != 0 {
		t.Errorf("no images have %d vectors", len(v))
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.Encode(t.Context(), []*pixels.Image{img}); !errors.Is(err, ort.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// BenchmarkMobileNet reports images a second, decoded already.
func BenchmarkMobileNet(b *testing.B) {
	rt := orttest.Runtime(b)
	m := mobileNet(b, "features", 1280)
	names, err := filepath.Glob(filepath.Join(realtest.Path(b, "photos/coco"), "val2017", "*.jpg"))
	if err != nil || len(names) < 32 {
		b.Fatalf("%d photos (%v)", len(names), err)
	}
	var images []*pixels.Image
	for _, name := range names[:32] {
		images = append(images, photo(b, name))
	}
	for _, batch := range []int{1, 4, 16, 32} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			e := open(b, rt, m, clip.Options{Batch: batch})
			for b.Loop() {
				encode(b, e, images...)
			}
			b.ReportMetric(float64(b.N*len(images))/b.Elapsed().Seconds(), "images/s")
		})
	}
}
