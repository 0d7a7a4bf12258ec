package npy_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/npy"
)

func Example() {
	dir, err := os.MkdirTemp("", "npy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, "voxels.npy")
	if err := npy.WriteFile(path, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		fmt.Println(err)
		return
	}
	voxels, err := npy.ReadFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(voxels.Shape, voxels.Float32s())
	// Output: [2 3] [1 2 3 4 5 6]
}

// Rows of an array that does not fit into memory are read as they are needed.
func ExampleOpenRows() {
	dir, err := os.MkdirTemp("", "npy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "betas.npy")
	if err := npy.WriteFile(path, []int{3, 2}, []int16{1, 2, 3, 4, 5, 6}); err != nil {
		fmt.Println(err)
		return
	}

	rows, err := npy.OpenRows(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rows.Close()
	trial := make([]float32, rows.Shape()[1])
	if err := rows.Read(trial, 1, 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(trial)
	// Output: [3 4]
}
