package local_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/index"
	"engram/index/local"
)

func Example() {
	dir, err := os.MkdirTemp("", "index")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	store, err := local.Create(dir, local.Options{Dim: 3})
	if err != nil {
		log.Fatal(err)
	}
	err = store.Upsert(ctx, []index.Item{
		{ID: 1, Vector: []float32{1, 0, 0}, Payload: index.Payload{"path": "zebra.jpg"}},
		{ID: 2, Vector: []float32{0, 1, 0}, Payload: index.Payload{"path": "boat.jpg"}},
		{ID: 3, Vector: []float32{0.9, 0.1, 0}, Payload: index.Payload{"path": "horse.jpg"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil { // flushes
		log.Fatal(err)
	}

	store, err = local.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	hits, err := store.Search(ctx, index.Query{Vector: []float32{2, 0, 0}, K: 2, WithPayload: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range hits {
		fmt.Printf("%d %.3f %s\n", hit.ID, hit.Score, hit.Payload["path"])
	}
	// Output:
	// 1 1.000 zebra.jpg
	// 3 0.994 horse.jpg
}
