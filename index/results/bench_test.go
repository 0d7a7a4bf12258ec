package results_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"engram/index"
	"engram/index/local"
	"engram/index/results"
)

var benchItems = flag.Int("items", 20_000, "items of the index that BenchmarkSearch searches")

const benchDim = 768

// benchStore makes an index of vectors in clusters around one direction, as a CLIP
// has them, searched by a graph where it has 20,000 or more. One vector in a hundred is
// a near-duplicate. It returns queries of the same kind.
func benchStore(b *testing.B) (*local.Store, [][]float32) {
	b.Helper()
	store := open(b, benchDim)
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(around []float32, energy float64) []float32 {
		v := make([]float32, benchDim)
		copy(v, around)
		for i := range v {
			v[i] += float32(rng.NormFloat64() * math.Sqrt(energy/benchDim))
		}
		return v
	}
	common := normal(nil, .5)
	var centres [500][]float32
	for i := range centres {
		centres[i] = normal(common, .2)
	}
	var last []float32
	draw := func(i int) []float32 {
		if i%100 == 99 {
			return normal(last, .02)
		}
		last = normal(centres[rng.IntN(len(centres))], .3)
		return last
	}
	for from := 0; from < *benchItems; from += 1000 {
		var items []index.Item
		for i := from; i < min(from+1000, *benchItems); i++ {
			items = append(items, index.Item{ID: index.ID(i), Vector: draw(i), Payload: index.Payload{
				"path": "photos/of/somebody/0001.jpg", "caption": "a photo of two dogs on a beach", "album": int64(rng.IntN(1000)),
			}})
		}
		if err := store.Upsert(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Optimise(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	queries := make([][]float32, 256)
	for i := range queries {
		queries[i] = draw(0)
	}
	return store, queries
}

// BenchmarkSearch compares what results cost with the search alone, query by query in
// alternation: the metric is the ratio of the medians of their times.
func BenchmarkSearch(b *testing.B) {
	store, queries := benchStore(b)
	ranking := func(i int) results.Ranking {
		return results.Ranking{Store: store, Query: index.Query{Vector: queries[i%len(queries)]}}
	}
	tenth := make([]string, len(queries))
	for i := range tenth {
		for range 9 {
			tenth[i] = search(b, ranking(i), results.Options{K: 10, After: tenth[i]}).Next
		}
	}
	for _, c := range []struct {
		name  string
		o     results.Options
		after []string
	}{
		{"first page", results.Options{}, nil},
		{"near-duplicates folded", results.Options{Fold: results.DefaultFold}, nil},
		{"of 100 candidates, diverse", results.Options{Diverse: &results.Diverse{Lambda: .5}}, nil},
		{"groups", results.Options{GroupBy: "album"}, nil},
		{"groups of three", results.Options{GroupBy: "album", GroupSize: 3}, nil},
		{"tenth page", results.Options{}, tenth},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			c.o.K = 10
			var alone, all []time.Duration
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if _, err := store.Search(b.Context(), index.Query{Vector: queries[i%len(queries)], K: 10, WithPayload: true}); err != nil {
					b.Fatal(err)
				}
				alone, start = append(alone, time.Since(start)), time.Now()
				other := i + len(queries)/2 // whose memory is as cold
				if c.after != nil {
					c.o.After = c.after[other%len(queries)]
				}
				search(b, ranking(other), c.o)
				all = append(all, time.Since(start))
			}
			b.ReportMetric(float64(median(all))/float64(median(alone)), "searches")
			b.ReportMetric(float64(median(all).Microseconds()), "µs")
		})
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
