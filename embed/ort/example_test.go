package ort_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/embed/onnx"
	"engram/embed/ort"
)

// Doubling two numbers: a model is written, opened and run.
func Example() {
	ctx := context.Background()
	runtime, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()

	model, err := onnx.Marshal(&onnx.Graph{
		Name:    "double",
		Nodes:   []onnx.Node{{Op: "Add", Inputs: []string{"x", "x"}, Outputs: []string{"y"}}},
		Inputs:  []onnx.Value{{Name: "x", Type: onnx.Float, Shape: []int64{-1}}},
		Outputs: []onnx.Value{{Name: "y", Type: onnx.Float, Shape: []int64{-1}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := runtime.OpenBytes("double", model, ort.SessionOptions{
		Inputs: []ort.Spec{{Name: "x", Type: onnx.Float, Shape: []int64{-1}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	out := ort.Tensors{"y": nil}
	in := ort.Tensors{"x": {Shape: []int64{2}, Data: []float32{1, 2.5}}}
	if err := session.Run(ctx, in, out); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Device(), out["y"].Shape, out["y"].Data)
	// Output: cpu [2] [2 5]
}
