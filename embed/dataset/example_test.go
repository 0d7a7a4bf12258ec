package dataset_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/embed/dataset"
)

// A table says which image each trial saw, by number or by name.
func ExampleReadSeen() {
	dir, err := os.MkdirTemp("", "study")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "trials.csv")
	if err := os.WriteFile(path, []byte("trial,image\n1,zebra.png\n2,0\n3,zebra.png\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	seen, err := dataset.ReadSeen(path, "image", []string{"boat.png", "zebra.png"}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(seen.Images)
	// Output: [1 0 1]
}
