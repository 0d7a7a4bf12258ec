package results

import (
	"math/rand/v2"
	"slices"
	"testing"

	"engram/index"
)

// Hits in chunks of any size fold as hits one by one do.
func TestChunksFoldAsHitsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, dim, from = 700, 12, .8
	vectors := make([][]float32, n)
	for i := range vectors {
		v := make([]float32, dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		vectors[i], _ = index.Unit(v, dim)
	}
	var want []int // the hit that each belongs to
	var kept []int
	var p products
	for i, v := range vectors {
		at := slices.IndexFunc(kept, func(k int) bool { return p.of(vectors[k], v) >= from-rounding })
		if at < 0 {
			at, kept = len(kept), append(kept, i)
		}
		want = append(want, at)
	}
	if len(kept) < 2*foldBlock || len(kept) > n*9/10 {
		t.Fatalf("%d of %d hits are kept: the test wants several blocks, and many that are folded", len(kept), n)
	}
	for _, chunk := range []int{1, 7, foldBlock, 2 * foldBlock, n} {
		f := &folder{from: from}
		var got []int
		for some := range slices.Chunk(vectors, chunk) {
			some = append(slices.Clone(some), nil) // of an item that is gone
			f.begin(some)
			for i, v := range some[:len(some)-1] {
				of, found := f.duplicate(i, v)
				if !found {
					of = f.kept - 1
				}
				got = append(got, of)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in chunks of %d, hits belong to others than one by one", chunk)
		}
	}
}

// BenchmarkFold folds the first hits of a ranking without near-duplicates.
func BenchmarkFold(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	const dim = 768
	vectors := make([][]float32, DefaultBound)
	for i := range vectors {
		v := make([]float32, dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		vectors[i], _ = index.Unit(v, dim)
	}
	for _, n := range []int{1000, DefaultBound} {
		b.Run(map[bool]string{true: "1,000", false: "10,000"}[n == 1000], func(b *testing.B) {
			for b.Loop() {
				f := &folder{from: DefaultFold}
				for some := range slices.Chunk(vectors[:n], chunk) {
					f.begin(some)
					for i, v := range some {
						f.duplicate(i, v)
					}
				}
			}
		})
	}
}
