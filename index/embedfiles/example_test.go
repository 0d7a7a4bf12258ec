package embedfiles_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"engram/data/laion"
	"engram/data/space"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/source"
)

// lengths embeds a file by its length, where a real encoder would run a model.
type lengths struct{}

// length is what is left of a file that was decoded.
type length int64

func (length) Size() int { return 8 }

func (length) Incomplete() bool { return false }

func (lengths) Decode(_ context.Context, file io.Reader) (ingest.Input, error) {
	n, err := io.Copy(io.Discard, file)
	return length(n), err
}

func (lengths) Encode(_ context.Context, files []ingest.Input) ([][]float32, error) {
	vectors := make([][]float32, len(files))
	for i, file := range files {
		vectors[i] = []float32{1, float32(file.(length))}
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
	job := embedfiles.Job{
		Settings: embedfiles.Settings{Set: laion.Image, Dim: 2, Space: space.Space{Name: "lengths 1"}},
		Shards:   shards, Encoder: lengths{}, Dir: filepath.Join(dir, "embeddings"),
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
