package layout_test

import (
	"context"
	"fmt"
	"log"

	"engram/embed/hub/layout"
)

// A repository that lies in a folder. One on the hub is a Source, too.
func ExampleNew() {
	src, err := layout.Folder("testdata/repositories/transformers-js")
	if err != nil {
		log.Fatal(err)
	}
	plan, err := layout.New(context.Background(), src, layout.Options{Precision: "fp16"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Layout)
	for _, file := range plan.Fetch {
		fmt.Println(file)
	}
	// Output:
	// transformers.js
	// onnx/text_model_fp16.onnx
	// onnx/vision_model_fp16.onnx
	// tokenizer.json
}
