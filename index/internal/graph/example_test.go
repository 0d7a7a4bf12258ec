package graph_test

import (
	"context"
	"fmt"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/graph"
)

func Example() {
	rows := column.New(2, 4)
	for i, v := range [][]float32{{1, 0}, {0, 1}, {-1, 0}, {.6, .8}} {
		rows.IDs[i] = index.ID(i)
		copy(rows.Vector(i), v)
		rows.Quantise(i)
	}
	ctx := context.Background()
	g, err := graph.Build(ctx, &rows, graph.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	searcher := graph.Searcher{Graphs: []*graph.Graph{g}, Recall: .9}
	matches, err := searcher.Search(ctx, nil, []column.Part{{Rows: &rows}}, []float32{.8, .6}, 2)
	for _, m := range matches {
		fmt.Printf("%d %.2f\n", m.ID, m.Score)
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 3 0.96
	// 0 0.80
}
