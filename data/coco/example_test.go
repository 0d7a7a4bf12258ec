package coco_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/coco"
)

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "coco")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "instances.json")
	if err := os.WriteFile(path, []byte(instances), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	dataset, err := coco.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, img := range dataset.Images {
		fmt.Print(img.FileName)
		for _, c := range img.Categories() {
			fmt.Print(" ", c.Name)
		}
		fmt.Println()
	}
	// Output: a.jpg person zebra
}
