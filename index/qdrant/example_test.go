package qdrant_test

import (
	"context"
	"fmt"
	"log"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

func Example() {
	server, err := double.Start(double.Options{}) // or a real one
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	ctx := context.Background()
	store, err := qdrant.Create(ctx, qdrant.Options{Addr: server.Addr(), Collection: "photos"}, qdrant.Schema{
		Dim: 3, Indexes: map[string]index.PayloadKind{"caption": index.Words},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	photos := func(yield func(index.Item, error) bool) {
		for id, photo := range []struct {
			vector  []float32
			caption string
		}{{[]float32{1, 0, 0}, "a zebra"}, {[]float32{0, 1, 0}, "a boat"}, {[]float32{0.9, 0.1, 0}, "a horse and a boat"}} {
			item := index.Item{ID: index.ID(id), Vector: photo.vector, Payload: index.Payload{"caption": photo.caption}}
			if !yield(item, nil) {
				return
			}
		}
	}
	if err := store.Upload(ctx, photos, nil); err != nil {
		log.Fatal(err)
	}
	hits, err := store.Search(ctx, index.Query{
		Vector: []float32{2, 0, 0}, K: 5, WithPayload: true, Filter: index.Text{Key: "caption", Words: "Boat"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range hits {
		fmt.Printf("%d %.3f %s\n", hit.ID, hit.Score, hit.Payload["caption"])
	}
	// Output:
	// 2 0.994 a horse and a boat
	// 1 0.000 a boat
}
