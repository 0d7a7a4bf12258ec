package parquet_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"engram/data/parquet"
)

// Whatever is in a file, reading it ends with its rows or with an error.
func FuzzRead(f *testing.F) {
	for _, g := range load[vectorTable](f, "vectors.json") {
		f.Add(g.File)
	}
	path := filepath.Join(f.TempDir(), "a.parquet")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := parquet.Open(path)
		if err != nil {
			if !errors.Is(err, parquet.ErrCorrupt) {
				t.Errorf("error is %v, want %v", err, parquet.ErrCorrupt)
			}
			return
		}
		defer file.Close()
		if file.Len() > 1000 {
			return
		}
		fuzzRows(t, file)
		fuzzVectors(file)
	})
}

func fuzzRows(t *testing.T, file *parquet.File) {
	rows, err := file.Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	block, total := make([]map[string]any, 50), 0
	for {
		n, err := rows.Read(block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return
		}
		total += n
	}
	if total != file.Len() {
		t.Errorf("%d rows were read, there are %d", total, file.Len())
	}
}

func fuzzVectors(file *parquet.File) {
	v, err := file.Vectors(parquet.VectorOptions{})
	if err != nil || v.Dim() > 1000 {
		return
	}
	defer v.Close()
	// The error says what is wrong with the file; that there is one is enough.
	_ = v.Read(make([]float32, file.Len()*v.Dim()), make([]error, file.Len()))
}
