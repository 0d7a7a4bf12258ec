package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// BenchmarkManyHits compares walks for many hits with scans (NOTES.md).
func BenchmarkManyHits(b *testing.B) {
	const n = 200_000
	rows := clustered(rand.New(rand.NewPCG(4, 4)), n, 16, 0)
	g, err := Build(b.Context(), rows, Options{Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	parts := []column.Part{{Rows: rows}}
	for _, k := range []int{1000, 10_000, 20_000, 50_000, 100_000} {
		e, _ := g.Efforts(k, .98)
		b.Run(fmt.Sprintf("k=%d/walk", k), func(b *testing.B) {
			s := searches.Get().(*search)
			defer s.release()
			for i := 0; b.Loop(); i++ {
				s.query.Set(rows.Vector(i % n))
				if err := s.walkFor(g, parts[0], k, e); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("k=%d/scan", k), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := (flat.Scan{}).Search(b.Context(), nil, parts, rows.Vector(i%n), k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
