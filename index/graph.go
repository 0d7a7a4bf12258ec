package index

import (
	"context"

	"engram/data/progress"
)

// Optimiser is a Store that builds graphs for its searches when it is asked to.
type Optimiser interface {
	Store

	// Optimise flushes and makes searches of the items that are there as fast as they
	// can be. It reports to watch as EndBulk does. After an error it can be called
	// again.
	Optimise(ctx context.Context, watch progress.Func) error

	// Graphs describes the graphs that searches walk. Items that are in none are
	// compared with the query one by one.
	Graphs(ctx context.Context) ([]Graph, error)
}

// Graph describes a graph of items.
type Graph struct {
	Items  int          `json:"items"`  // live ones
	Levels []GraphLevel `json:"levels"` // by K, then by ascending effort
}

// GraphLevel is the share of the K nearest items that walks of one effort found, on
// average, when the graph was built. The effort is how many items a walk keeps.
type GraphLevel struct {
	K      int     `json:"k"`
	Effort int     `json:"effort"`
	Recall float32 `json:"recall"` // for queries like the items
	// Distant is the recall for queries that lie apart from all items, as texts do
	// among images.
	Distant float32 `json:"distant"`
}
