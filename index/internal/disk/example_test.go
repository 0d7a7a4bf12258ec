package disk_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

func Example() {
	dir, err := os.MkdirTemp("", "disk")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	builder := disk.NewBuilder(2, 1, 0)
	if err := builder.Add(index.Item{ID: 7, Vector: []float32{3, 0}, Payload: index.Payload{"path": "zebra.jpg"}}); err != nil {
		log.Fatal(err)
	}
	err = disk.Folder{Path: dir, FS: vfs.OS{}}.Write("rows.seg", func(w io.Writer) error {
		return disk.WriteSegment(w, []disk.Ref{{Segment: builder.Segment(), Row: 0}})
	})
	if err != nil {
		log.Fatal(err)
	}

	mapped, err := disk.OpenSegment(filepath.Join(dir, "rows.seg"))
	if err != nil {
		log.Fatal(err)
	}
	defer mapped.Close()
	item, err := mapped.Item(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(item.ID, item.Vector, item.Payload)
	// Output: 7 [1 0] map[path:zebra.jpg]
}
