package results_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/index"
	"engram/index/local"
	"engram/index/results"
)

func Example() {
	dir, err := os.MkdirTemp("", "engram")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := local.Create(filepath.Join(dir, "index"), local.Options{Dim: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()
	if err := store.Upsert(ctx, []index.Item{
		{ID: 1, Vector: []float32{1, 0}}, {ID: 2, Vector: []float32{1, .01}}, {ID: 3, Vector: []float32{1, 1}}, {ID: 4, Vector: []float32{0, 1}},
	}); err != nil {
		log.Fatal(err)
	}

	r := results.Ranking{Store: store, Query: index.Query{Vector: []float32{1, 0}}}
	o := results.Options{K: 2, Fold: .95}
	for {
		page, err := results.Search(ctx, r, o)
		if err != nil {
			log.Fatal(err)
		}
		for _, hit := range page.Hits {
			fmt.Printf("item %d stands for %v too\n", hit.ID, hit.Folded)
		}
		if o.After = page.Next; o.After == "" {
			break
		}
		fmt.Println("next page")
	}
	// Output:
	// item 1 stands for [2] too
	// item 3 stands for [] too
	// next page
	// item 4 stands for [] too
}
