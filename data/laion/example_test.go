package laion_test

import (
	"errors"
	"fmt"
	"io"
	"os"

	"engram/data/laion"
	"engram/data/vfs"
)

func Example() {
	dir, err := os.MkdirTemp("", "laion")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := write(dir); err != nil {
		fmt.Println(err)
		return
	}
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, shard := range shards {
		fmt.Println(shard.Name, shard.Rows, shard.Dim, shard.Type, shard.Err)
		if err := print(shard); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// img_emb_0000.npy 2 3 float16 <nil>
	// [1 0 0] 1 zebra.jpg
	// [0 0.5 0] 0.5 boat.jpg
}

// write makes a folder of one shard.
func write(dir string) error {
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: 3})
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := w.Append(map[string]any{"image_path": "zebra.jpg"}, []float32{1, 0, 0}); err != nil {
		return err
	}
	if err := w.Append(map[string]any{"image_path": "boat.jpg"}, []float32{0, 0.5, 0}); err != nil {
		return err
	}
	return w.Close()
}

// print reads a shard.
func print(shard laion.Shard) error {
	rows, err := laion.Open(shard, laion.Options{})
	if err != nil {
		return err
	}
	defer rows.Close()
	block := laion.NewBlock(1000, shard.Dim)
	for {
		_, err := rows.Read(block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, row := range block.Rows {
			fmt.Println(row.Vector, row.Norm, row.Payload["image_path"])
		}
	}
}
