package pictures_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"engram/httpapi/pictures"
	"engram/index"
)

func ExampleFolder() {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "a.gif"), []byte("GIF89a"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	folder, err := pictures.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer folder.Close()
	image, err := folder.Open(context.Background(), index.Item{ID: 1, Payload: index.Payload{"path": "a.gif"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer image.Content.Close()
	fmt.Println(image.ContentType)
	// Output: image/gif
}
