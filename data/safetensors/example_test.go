package safetensors_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/safetensors"
	"engram/data/vfs"
)

func Example() {
	dir, err := os.MkdirTemp("", "safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, "weights.safetensors")
	weights := map[string]safetensors.Tensor{
		"head.weight": {Shape: []int{2, 2}, Data: []float32{1, 0, 0, 1}},
		"head.bias":   {Shape: []int{2}, Data: []float32{0.5, -0.5}},
	}
	if err := safetensors.WriteFile(vfs.OS{}, path, weights, map[string]string{"preset": "linear"}); err != nil {
		fmt.Println(err)
		return
	}

	r, err := safetensors.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	bias, err := r.Tensor("head.bias")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Names(), r.Metadata()["preset"], bias.Data)
	// Output: [head.bias head.weight] linear [0.5 -0.5]
}
