package model_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/embed/model"
)

// Wrap turns a bare ONNX file into a model.
func ExampleWrap() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "mobilenetv2.onnx")
	if err := os.WriteFile(file, []byte("stands for the model"), 0o644); err != nil {
		log.Fatal(err)
	}

	m, err := model.Wrap(filepath.Join(dir, "mobilenetv2"), file, model.Manifest{
		Kind:    model.Features,
		Name:    "mobilenetv2",
		Version: "1.0-224",
		Licence: "Apache-2.0",
		Source:  "google-coral/test_data",
		Graphs: map[string]model.Graph{"image": {
			Inputs:  map[string]string{"pixels": "input"},
			Outputs: map[string]string{"embedding": "features"},
		}},
		T: 1, D: 1280, ImageSize: 224,
		Preprocess: &model.Preprocess{
			Filter: "bilinear", Antialias: true, Crop: "center", Range: [2]float64{0, 1},
			Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Name, m.D, len(m.Fingerprint()))

	// One changed byte, and the model is refused.
	if err := os.WriteFile(m.GraphPath("image"), []byte("stands for another model"), 0o644); err != nil {
		log.Fatal(err)
	}
	_, err = model.Open(m.Dir())
	fmt.Println(err != nil)
	// Output:
	// mobilenetv2 1280 64
	// true
}
