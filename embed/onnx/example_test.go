package onnx_test

import (
	"fmt"
	"log"

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
