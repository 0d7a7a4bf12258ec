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
		fmt.Println(v)
	}
	// Output:
	// input_ids int64[text_batch_size,sequence_length]
	// pixel_values float32[image_batch_size,num_channels,height,width]
	// attention_mask int64[text_batch_size,sequence_length]
	// logits_per_image float32[image_batch_size,text_batch_size]
	// logits_per_text float32[text_batch_size,image_batch_size]
	// text_embeds float32[text_batch_size,32]
	// image_embeds float32[image_batch_size,32]
}
