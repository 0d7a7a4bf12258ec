package onnx_test

import (
	"fmt"
	"log"
	"os"

	"engram/embed/onnx"
)

// A model that doubles any number of elements; package ort runs it.
func ExampleMarshal() {
	model, err := onnx.Marshal(&onnx.Graph{
		Name:    "double",
		Consts:  []onnx.Tensor{{Name: "two", Type: onnx.Float, Data: []float32{2}}},
		Nodes:   []onnx.Node{{Op: "Mul", Inputs: []string{"x", "two"}, Outputs: []string{"y"}}},
		Inputs:  []onnx.Value{{Name: "x", Type: onnx.Float, Shape: []int64{-1}}},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float, Shape: []int64{-1}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(model), "bytes")
	// Output: 105 bytes
}

// A graph with two towers says what it takes and gives.
func ExampleInspect() {
	f, err := os.Open("../hub/layout/testdata/repositories/whole-graph/onnx/model.onnx")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		log.Fatal(err)
	}
	signature, err := onnx.Inspect(f, info.Size())
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range append(signature.Inputs, signature.Outputs...) {
		fmt.Println(v.Name, v.Shape)
	}
	// Output:
	// input_ids [-1 -1]
	// pixel_values [-1 -1 -1 -1]
	// attention_mask [-1 -1]
	// logits_per_image [-1 -1]
	// logits_per_text [-1 -1]
	// text_embeds [-1 32]
	// image_embeds [-1 32]
}
