package bundle_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/embed/bundle"
)

// Wrap turns a bare ONNX file into a bundle.
func ExampleWrap() {
	dir, err := os.MkdirTemp("", "bundle")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	model := filepath.Join(dir, "mobilenetv2.onnx")
	if err := os.WriteFile(model, []byte("stands for the model"), 0o644); err != nil {
		log.Fatal(err)
	}

	b, err := bundle.Wrap(filepath.Join(dir, "mobilenetv2"), model, bundle.Manifest{
		Kind:    bundle.Features,
		Name:    "mobilenetv2",
		Version: "1.0-224",
		Licence: "Apache-2.0",
		Source:  "google-coral/test_data",
		Models: map[string]bundle.Model{"image": {
			Inputs:  map[string]string{"pixels": "input"},
			Outputs: map[string]string{"embedding": "features"},
		}},
		T: 1, D: 1280, ImageSize: 224,
		Preprocess: &bundle.Preprocess{
			Filter: "bilinear", Antialias: true, Crop: "center", Range: [2]float64{0, 1},
			Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.Name, b.D, len(b.Fingerprint()))

	// One changed byte, and the bundle is refused.
	if err := os.WriteFile(b.ModelPath("image"), []byte("stands for another model"), 0o644); err != nil {
		log.Fatal(err)
	}
	_, err = bundle.Open(b.Dir())
	fmt.Println(err != nil)
	// Output:
	// mobilenetv2 1280 64
	// true
}
