package parquet_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/parquet"
	"engram/data/vfs"
)

func Example() {
	dir, err := os.MkdirTemp("", "parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "metadata.parquet")
	if err := write(path); err != nil {
		fmt.Println(err)
		return
	}

	file, err := parquet.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	fmt.Println(file.Len(), file.Columns())

	rows, err := file.Rows("caption", "width")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rows.Close()
	block := make([]map[string]any, 1024)
	n, err := rows.Read(block)
	fmt.Println(block[:n], err)
	// Output:
	// 2 [{caption string} {tags []string} {width int64}]
	// [map[caption:two zebras width:640] map[caption:a boat width:<nil>]] <nil>
}

// write makes a table of two rows.
func write(path string) error {
	w, err := parquet.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	for _, row := range []map[string]any{
		{"caption": "two zebras", "width": int64(640)},
		{"caption": "a boat", "tags": []string{"sea", "red"}},
	} {
		if err := w.Write(row); err != nil {
			return err
		}
	}
	return w.Commit()
}
