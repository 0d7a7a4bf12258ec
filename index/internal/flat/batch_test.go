package flat

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/simd"
	"engram/index/internal/column"
)

func TestBatchFindsWhatSearchFindsToTheBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		dim := rapid.SampledFrom([]int{1, 3, 16, 66, 100}).Draw(t, "dim")
		shape := rapid.SampledFrom(shapes).Draw(t, "shape")
		k := rapid.SampledFrom([]int{0, 1, 10, 300}).Draw(t, "k")
		count := rapid.SampledFrom([]int{0, 1, 3, 4, 31, 33, 70, 300}).Draw(t, "queries")
		scan := Scan{Kernels: rapid.SampledFrom(simd.All()).Draw(t, "kernels"), Threads: rapid.IntRange(1, 3).Draw(t, "threads"), share: 1}

		coded := makeRows(rng, shape, minCoded+rng.IntN(chunkRows), dim)
		inMemory := vectorsOnly(makeRows(rng, shape, 1+rng.IntN(200), dim))
		for i := range inMemory.IDs {
			inMemory.IDs[i] += 5
		}
		dead := column.Bits(nil).Clone(len(coded.IDs))
		for range rng.IntN(2) * len(coded.IDs) / 3 {
			dead.Set(rng.IntN(len(coded.IDs)))
		}
		parts := []column.Part{{Rows: coded, Dead: dead}, {Rows: inMemory}}
		if fraction := rapid.SampledFrom([]float64{0, .01, .9, 2}).Draw(t, "fraction"); fraction <= 1 {
			parts[0].Filter, parts[1].Filter = chooseSome(1, fraction), chooseSome(2, fraction)
		}
		queries, want := make([][]float32, count), make([][]column.Match, count)
		for i := range queries {
			queries[i] = makeVector(rng, shapes[i%len(shapes)], dim, coded.Vector(0))
			var err error
			if want[i], err = scan.Search(context.Background(), nil, parts, queries[i], k); err != nil {
				t.Fatal(err)
			}
		}
		got, err := scan.Batch(context.Background(), parts, queries, k)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if len(got[i])+len(want[i]) > 0 && !cmp.Equal(want[i], got[i]) {
				t.Fatalf("query %d of %d (-search +batch):\n%s", i, count, cmp.Diff(want[i], got[i]))
			}
		}
	})
}

func TestBatchStopsWithAnError(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	rows := makeRows(rng, "random", 3*minCoded, 8)
	queries := make([][]float32, 2*maxBatch)
	for i := range queries {
		queries[i] = makeVector(rng, "random", 8, nil)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	fault := errors.New("unreadable")
	fails := func() column.Chooser { return func(int) (bool, error) { return false, fault } }
	for _, r := range []*column.Rows{rows, vectorsOnly(rows)} {
		for _, threads := range []int{1, 4} {
			scan := Scan{Threads: threads, share: 1}
			if _, err := scan.Batch(cancelled, []column.Part{{Rows: r}}, queries, 3); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
			if got, err := scan.Batch(context.Background(), []column.Part{{Rows: r, Filter: fails}}, queries, 3); !errors.Is(err, fault) || got != nil {
				t.Errorf("error %v, want the chooser's", err)
			}
		}
	}
}
