package clip

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/embed/model"
	"engram/embed/onnx"
)

// flatOffset is added to every element of a pixel embedding. It keeps an image
// of one grey, which would be the zero vector, a direction of its own, and is
// too small to matter to others: it changes the cosine of two images whose
// grey values have a standard deviation of .1 by about 1e-6.
const flatOffset = 1e-4

// WritePixels writes to the folder dir, made if need be, the model `pixels` of
// kind features for images of size×size pixels, 2 to 1024, and opens it. Its
// model has no trained weights: D is size², and element y·size+x is
//
//	g(y,x) − mean(g) + 0.0001   with g = .299 R + .587 G + .114 B in 0…1
//
// (luma of ITU-R BT.601) of the image whose shorter side is resized to size by
// the antialiased bilinear filter and whose middle is kept. The cosine of two
// such vectors is Pearson's correlation of the two grey images. The same size
// gives the same bytes.
func WritePixels(dir string, size int) (*model.Model, error) {
	if size < 2 || size > 1024 {
		return nil, fmt.Errorf("clip: pixels: size is %d, wanted 2 to 1024", size)
	}
	graph, err := onnx.Marshal(pixelsGraph(int64(size)))
	if err != nil {
		return nil, fmt.Errorf("clip: pixels: %w", err)
	}
	// Wrap copies the model into dir only when everything else is right.
	temp, err := os.MkdirTemp("", "engram-pixels-")
	if err != nil {
		return nil, fmt.Errorf("clip: pixels: %w", err)
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "pixels.onnx")
	if err := os.WriteFile(file, graph, 0o644); err != nil {
		return nil, fmt.Errorf("clip: pixels: %w", err)
	}
	return model.Wrap(dir, file, model.Manifest{
		Kind:    model.Features,
		Name:    "pixels",
		Version: "1",
		Licence: "CC0-1.0",
		Source:  "grey pixels less their mean, no trained weights",
		Graphs: map[string]model.Graph{"image": {
			Inputs:  map[string]string{"pixels": "image"},
			Outputs: map[string]string{"embedding": "embedding"},
		}},
		T: 1, D: size * size, ImageSize: size,
		Preprocess: &model.Preprocess{
			Filter: "bilinear", Antialias: true, Crop: "center", Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1},
		},
	})
}

// pixelsGraph returns the model of WritePixels.
func pixelsGraph(size int64) *onnx.Graph {
	axis := onnx.Tensor{Name: "axis1", Type: onnx.Int64, Shape: []int64{1}, Data: []int64{1}}
	return &onnx.Graph{
		Name:    "pixels",
		Inputs:  []onnx.Value{{Name: "image", Type: onnx.Float, Shape: []int64{-1, 3, size, size}}},
		Outputs: []onnx.Value{{Name: "embedding", Type: onnx.Float, Shape: []int64{-1, size * size}}},
		Consts: []onnx.Tensor{
			{Name: "luma", Type: onnx.Float, Shape: []int64{1, 3, 1, 1}, Data: []float32{.299, .587, .114}},
			{Name: "offset", Type: onnx.Float, Shape: []int64{1}, Data: []float32{flatOffset}},
			axis,
		},
		Nodes: []onnx.Node{
			{Op: "Mul", Inputs: []string{"image", "luma"}, Outputs: []string{"weighted"}},
			{Op: "ReduceSum", Inputs: []string{"weighted", axis.Name}, Outputs: []string{"grey"}},
			{Op: "Flatten", Inputs: []string{"grey"}, Outputs: []string{"flat"}, Attrs: []onnx.Attr{{Name: "axis", Value: int64(1)}}},
			{Op: "ReduceMean", Inputs: []string{"flat", axis.Name}, Outputs: []string{"mean"}},
			{Op: "Sub", Inputs: []string{"flat", "mean"}, Outputs: []string{"centered"}},
			{Op: "Add", Inputs: []string{"centered", "offset"}, Outputs: []string{"embedding"}},
		},
	}
}
