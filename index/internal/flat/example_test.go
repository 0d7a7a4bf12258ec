package flat_test

import (
	"context"
	"fmt"
	"log"

	"engram/index/internal/column"
	"engram/index/internal/flat"
)

func Example() {
	const dim = 2
	rows := column.New(dim, 2)
	rows.IDs[0], rows.IDs[1] = 7, 9
	copy(rows.Vector(0), []float32{1, 0})
	copy(rows.Vector(1), []float32{0.6, 0.8})
	for i := range rows.IDs {
		rows.Quantise(i)
	}

	query := []float32{0, 1}
	matches, err := flat.Scan{}.Search(context.Background(), nil, []column.Part{{Rows: &rows}}, query, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %.1f\n", matches[0].ID, matches[0].Score)
	// Output: 9 0.8
}
