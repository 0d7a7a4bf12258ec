package copyindex_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/index"
	"engram/index/copyindex"
	"engram/index/local"
)

func ExampleCopy() {
	dir, err := os.MkdirTemp("", "transfer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	var stores [2]index.Store
	for i := range stores {
		store, err := local.Create(filepath.Join(dir, fmt.Sprint(i)), local.Options{Dim: 2})
		if err != nil {
			log.Fatal(err)
		}
		defer store.Close()
		stores[i] = store
	}
	from, to := stores[0], stores[1]
	err = from.Upsert(ctx, []index.Item{
		{ID: 1, Vector: []float32{1, 0}, Payload: index.Payload{"path": "zebra.jpg"}},
		{ID: 2, Vector: []float32{0, 1}, Payload: index.Payload{"path": "boat.jpg"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		report, err := copyindex.Copy(ctx, from, to, copyindex.Options{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d items: added %d, unchanged %d, digest %.12s\n", report.Items, report.Added, report.Unchanged, report.Digest)
	}
	// Output:
	// 2 items: added 2, unchanged 0, digest 6e6c659bc7b3
	// 2 items: added 0, unchanged 2, digest 6e6c659bc7b3
}
