package embedfiles_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"engram/data/laion"
	"engram/index/embedfiles"
	"engram/index/source"
)

// size is an encoder that tells files by their size.
type size struct{}

func (size) Decode(file io.Reader) (int64, error) { return io.Copy(io.Discard, file) }
func (size) Size(int64) int                       { return 8 }
func (size) Encode(_ context.Context, sizes []int64) ([][]float32, error) {
	vectors := make([][]float32, len(sizes))
	for i, n := range sizes {
		vectors[i] = []float32{1, float32(n)}
	}
	return vectors, nil
}

func Example() {
	dir, err := os.MkdirTemp("", "pairs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	photos := filepath.Join(dir, "photos")
	if err := os.Mkdir(photos, 0o755); err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"boat.jpg", "zebra.jpg"} {
		if err := os.WriteFile(filepath.Join(photos, name), []byte(name), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	shards, err := source.Folder{Root: photos}.Shards(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	job := embedfiles.Job[int64]{
		Settings: embedfiles.Settings{Set: laion.Image, Dim: 2, BundleName: "size 1"},
		Shards:   shards, Encoder: size{}, Dir: filepath.Join(dir, "embeddings"),
	}
	for range 2 {
		report, err := job.Run(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d rows in %d pair, %d encoded\n", report.Rows, report.Pairs, report.Encoded)
	}
	// Output:
	// 2 rows in 1 pair, 2 encoded
	// 2 rows in 1 pair, 0 encoded
}
