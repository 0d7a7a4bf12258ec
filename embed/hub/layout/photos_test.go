package layout_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"engram/data/npy"
	"engram/data/realtest"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// photoGolden is testdata/photos.json (scripts/golden_photos.py).
type photoGolden struct {
	Photos   []string `json:"photos"`
	Stride   int      `json:"stride"` // every so many elements of a vector are in photos.npy
	Families []struct {
		Name  string                     `json:"name"`
		Files map[string]json.RawMessage `json:"files"`
	} `json:"families"`
}

// mobileNet is the real MobileNetV2 with its features under the name that CLIP's image
// towers have.
func mobileNet(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(realtest.Path(t, "models/mobilenetv2/mobilenetv2.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var graph bytes.Buffer
	err = onnx.Extract(bytes.NewReader(b), int64(len(b)), onnx.Cut{
		Outputs: []string{"image_embeds"},
		Append:  []onnx.Node{{Op: "Identity", Inputs: []string{"features"}, Outputs: []string{"image_embeds"}}},
		Values:  []onnx.Value{{Name: "image_embeds", Type: onnx.Float, Shape: []int64{-1, -1}}},
	}, &graph)
	if err != nil {
		t.Fatal(err)
	}
	return graph.Bytes()
}

// TestRealPhotosGiveTheReferencesVectors takes 50 photos through the preprocessing of
// every family and a real network, from JPEG to vector, and compares with Pillow,
// Hugging Face's and open_clip's preprocessing and Python's ONNX Runtime. The golden is
// in float16, which costs a cosine less than 1e-6.
func TestRealPhotosGiveTheReferencesVectors(t *testing.T) {
	t.Parallel()
	graph, folder := mobileNet(t), realtest.Path(t, "photos/coco/val2017")
	text, err := os.ReadFile("testdata/photos.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden photoGolden
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	array, err := npy.ReadFile("testdata/photos.npy")
	if err != nil {
		t.Fatal(err)
	}
	rows, width := array.Data.([]float32), array.Shape[2]
	var photos []*pixels.Image
	for _, name := range golden.Photos {
		photo, err := pixels.DecodeFile(t.Context(), filepath.Join(folder, name), pixels.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		photos = append(photos, photo)
	}
	rt := orttest.Runtime(t)
	for _, family := range golden.Families {
		dir := t.TempDir()
		files := map[string][]byte{"model.onnx": graph}
		for name, content := range family.Files {
			files[name] = content
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		vectors := encodePhotos(t, rt, dir, photos)
		least, mean := 1., 0.
		for i, v := range vectors {
			var some embed.Vector
			for at := 0; at < len(v); at += golden.Stride {
				some = append(some, v[at])
			}
			c := cosine(some, rows[i*width:][:width])
			least, mean = min(least, c), mean+c/float64(len(vectors))
		}
		rows = rows[len(vectors)*width:]
		t.Logf("%-10s %d photos: the least cosine is %.7f, the mean %.8f", family.Name, len(photos), least, mean)
		if least < .99999 {
			t.Errorf("%s: the least cosine is %.7f, wanted .99999", family.Name, least)
		}
	}
}

// encodePhotos makes a model of the repository in a folder and encodes the photos.
func encodePhotos(t *testing.T, rt *ort.Runtime, dir string, photos []*pixels.Image) []embed.Vector {
	t.Helper()
	src, err := layout.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The image tower is the only one: a source for the texts is not given.
	plan, err := layout.New(t.Context(), src, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := plan.Finish(dir, layout.Identity{Name: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Write(dir, manifest)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	vectors, err := encoder.Encode(t.Context(), photos)
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}
