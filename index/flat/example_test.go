package flat_test

import (
	"context"
	"fmt"
	"log"

	"engram/index"
	"engram/index/flat"
)

func Example() {
	const dim = 2
	rows := &flat.Rows{Dim: dim, IDs: []index.ID{7, 9}, Vectors: make([]float32, 2*flat.VectorStride(dim))}
	copy(rows.Vector(0), []float32{1, 0})
	copy(rows.Vector(1), []float32{0.6, 0.8})

	query := []float32{0, 1}
	matches, err := flat.Search(context.Background(), []flat.Part{{Rows: rows}}, query, 1, flat.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %.1f\n", matches[0].ID, matches[0].Score)
	// Output: 9 0.8
}
