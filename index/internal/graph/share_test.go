package graph

import (
	"math/rand/v2"
	"testing"

	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// Searches of several parts find what they are asked for, though the walks share their
// effort: rows at random in each part, and clusters that are in one part alone.
func TestPartsShareAnEffort(t *testing.T) {
	const n, k, queries = 12000, 10, 200
	for _, apart := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(31, 1))
		all := clustered(rng, n+queries, 64, 0) // row i is of cluster i%20
		var parts []column.Part
		var graphs []*Graph
		sizes := []int{6000, 3000, 2000, 1000}
		of := make([][]int, len(sizes))
		for row := range n {
			part := row % 12
			if apart {
				part = row % 20 * 12 / 20
			}
			at := []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3}[part]
			of[at] = append(of[at], row)
		}
		for _, rows := range of {
			own := column.New(64, len(rows))
			for i, row := range rows {
				own.IDs[i] = all.IDs[row]
				copy(own.Vector(i), all.Vector(row))
				own.Quantise(i)
			}
			parts, graphs = append(parts, column.Part{Rows: &own}), append(graphs, mustBuild(t, &own, Options{Threads: 2}))
		}
		for _, asked := range []float64{.9, .98} {
			found := 0
			for row := n; row < n+queries; row++ {
				q := all.Vector(row)
				want := mustSearch(t, flat.Scan{}, parts, q, k)
				for _, m := range mustSearch(t, Searcher{Graphs: graphs, Recall: asked}, parts, q, k) {
					if m.Score >= want[k-1].Score {
						found++
					}
				}
			}
			got := float64(found) / (k * queries)
			t.Logf("apart %v, asked %v: recall %.3f", apart, asked, got)
			if got < asked-.01 {
				t.Errorf("clusters apart: %v; recall %.3f, wanted %v", apart, got, asked)
			}
		}
	}
}
