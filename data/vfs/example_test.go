package vfs_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"engram/data/vfs"
)

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "vfs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "greeting.txt")
	err = vfs.WriteFile(path, func(w io.Writer) error {
		_, err := fmt.Fprint(w, "hello")
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	content, _ := os.ReadFile(path)
	fmt.Println(string(content))
	// Output: hello
}
