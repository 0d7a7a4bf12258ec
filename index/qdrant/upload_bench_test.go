package qdrant_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/qdrant"
)

// BenchmarkUpload uploads 100,000 items of 512 dimensions to a server. "applied/s"
// counts items that it has applied, "indexed/s" items that are in the graph too.
// scripts/bench_upload.py does the same with the official Python client.
func BenchmarkUpload(b *testing.B) {
	const n, dim = 100_000, 512
	rng := rand.New(rand.NewPCG(5, 6))
	items := make([]index.Item, n)
	for id := range items {
		vector := make([]float32, dim)
		for i := range vector {
			vector[i] = float32(rng.NormFloat64())
		}
		items[id] = index.Item{ID: index.ID(id), Vector: vector, Payload: index.Payload{
			"id": int64(id), "url": fmt.Sprintf("https://images.example.org/%d.jpg", id), "caption": fmt.Sprintf("a photo of thing %d", id%1000),
		}}
	}
	var applied, indexed []float64
	for b.Loop() {
		store := createReal(b, qdrant.Schema{Dim: dim})
		began := time.Now()
		first := time.Duration(0)
		if err := store.Upload(b.Context(), noErrors(items), func(progress.Report) {
			if first == 0 {
				first = time.Since(began)
			}
		}); err != nil {
			b.Fatal(err)
		}
		applied = append(applied, n/first.Seconds())
		indexed = append(indexed, n/time.Since(began).Seconds())
	}
	b.ReportMetric(median(applied), "applied/s")
	b.ReportMetric(median(indexed), "indexed/s")
}

func noErrors(items []index.Item) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
