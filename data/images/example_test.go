package images_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/images"
)

func ExampleFiles() {
	root, err := os.MkdirTemp("", "images")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	for _, name := range []string{"zebra.jpg", "car.PNG", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			fmt.Println(err)
			return
		}
	}

	for file, err := range images.Files(root) {
		if err != nil {
			fmt.Println("skipped:", err)
			continue
		}
		fmt.Println(file.Path)
	}
	// Output:
	// car.PNG
	// zebra.jpg
}
