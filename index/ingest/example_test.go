package ingest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"engram/index/ingest"
	"engram/index/local"
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

func (lengths) Encode(_ context.Context, images []ingest.Input) ([][]float32, error) {
	vectors := make([][]float32, len(images))
	for i, image := range images {
		vectors[i] = []float32{1, float32(image.(length))}
	}
	return vectors, nil
}

func Example() {
	dir, err := os.MkdirTemp("", "build")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	photos := filepath.Join(dir, "photos")
	if err := os.Mkdir(photos, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(photos, "cat.jpg"), []byte("…"), 0o644); err != nil {
		log.Fatal(err)
	}
	store, err := local.Create(filepath.Join(dir, "index"), local.Options{Dim: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ledger, err := ingest.OpenLedger(filepath.Join(dir, "index"))
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()

	shards, err := source.Folder{Root: photos}.Shards(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	job := ingest.Job{Shards: shards, Encoder: lengths{}, Store: store, Ledger: ledger}
	for range 2 {
		report, err := job.Run(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("stored %d, unchanged %d\n", report.Stored, report.Unchanged)
	}
	// Output:
	// stored 1, unchanged 0
	// stored 0, unchanged 1
}
