package local

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"engram/index"
)

const benchRows, benchDim = 100_000, 64

// benchPayload is as large as the payload of a web image with its caption.
// "rank" is spread evenly over [0, 1), and comes after most keys.
func benchPayload(rng *rand.Rand, i int) index.Payload {
	words := []string{"a", "red", "car", "on", "the", "street", "zebra", "Photo", "of", "two", "white", "dogs", "beach", "sale"}
	caption := ""
	for range 12 {
		caption += words[rng.IntN(len(words))] + " "
	}
	return index.Payload{
		"NSFW": "UNLIKELY", "caption": caption, "categories": []string{words[rng.IntN(7)], words[7+rng.IntN(7)]},
		"height": int64(200 + rng.IntN(2000)), "key": fmt.Sprintf("%09d", i), "punsafe": rng.Float64() / 10, "pwatermark": rng.Float64(),
		"rank": rng.Float64(), "similarity": rng.Float64(), "status": "success",
		"url": fmt.Sprintf("https://images.example.com/albums/%d/photos/%d_large.jpg", rng.IntN(1000), i), "width": int64(200 + rng.IntN(2000)),
	}
}

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Create(b.TempDir(), Options{Dim: benchDim})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]index.Item, benchRows)
	for i := range items {
		items[i] = index.Item{ID: index.ID(i), Vector: benchVector(rng), Payload: benchPayload(rng, i)}
	}
	if err := s.Upsert(b.Context(), items); err != nil {
		b.Fatal(err)
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchVector(rng *rand.Rand) []float32 {
	v := make([]float32, benchDim)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// BenchmarkSearch is a query of 100,000 × 64 on disk, without a filter and with
// filters that choose the fraction of the items that their name says.
func BenchmarkSearch(b *testing.B) {
	s := benchStore(b)
	below := func(x float64) index.Filter { return index.Range{Key: "rank", Below: &x} }
	rng := rand.New(rand.NewPCG(3, 4))
	queries := make([][]float32, 64)
	for i := range queries {
		queries[i] = benchVector(rng)
	}
	for _, test := range []struct {
		name   string
		filter index.Filter
	}{
		{"none", nil},
		{"safe=1", index.Safe()},
		{"range=.9", below(.9)},
		{"range=.1", below(.1)},
		{"range=.01", below(.01)},
		{"range=.00005", below(.00005)},
		{"text=.007", index.Text{Key: "caption", Words: "red zebra dogs sale street beach"}},
		{"text=0", index.Text{Key: "caption", Words: "unheard"}},
		{"categories=.02", index.And{index.Equal{Key: "categories", Value: "zebra"}, index.Equal{Key: "categories", Value: "sale"}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q := index.Query{Vector: queries[i%len(queries)], K: 10, Filter: test.filter}
				if _, err := s.Search(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
