package open_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"engram/index/open"
)

func Example() {
	dir, err := os.MkdirTemp("", "open")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// A collection would be qdrant://localhost:6334/photos.
	store, err := open.Create(context.Background(), filepath.Join(dir, "photos"), open.Empty{Dim: 512}, open.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	info, err := store.Info(context.Background())
	fmt.Println(info.Engine, info.Dim, err)
	// Output: local 512 <nil>
}
