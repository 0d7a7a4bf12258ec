package copyindex_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"engram/index"
	"engram/index/copyindex"
	"engram/index/local"
	"engram/index/verify"
)

// newLarge returns a store of n items of 768 elements, as an index of CLIP
// ViT-L/14 has them.
func newLarge(b *testing.B, n int) *local.Store {
	b.Helper()
	const dim = 768
	store := newLocal(b, local.Options{Dim: dim})
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < n; at += 1000 {
		items := make([]index.Item, 1000)
		for i := range items {
			v := make([]float32, dim)
			for j := range v {
				v[j] = rng.Float32() - .5
			}
			items[i] = index.Item{ID: index.ID(rng.Uint64()), Vector: v, Payload: index.Payload{
				"path": fmt.Sprintf("train2017/%012d.jpg", at+i), "size": int64(at), "modified": "2026-01-02T03:04:05Z",
			}}
		}
		put(b, store, items...)
	}
	return store
}

// BenchmarkCopy copies into an empty embedded index, and proves it.
func BenchmarkCopy(b *testing.B) {
	const n = 20_000
	from := newLarge(b, n)
	dir, i := b.TempDir(), 0
	b.SetBytes(n * 768 * 4)
	for b.Loop() {
		to, err := local.Create(filepath.Join(dir, fmt.Sprint(i)), local.Options{Dim: 768})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := copyindex.Copy(b.Context(), from, to, copyindex.Options{}); err != nil {
			b.Fatal(err)
		}
		if err := to.Close(); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkCompare copies an index to an equal one, which reads both side by side
// and writes nothing.
func BenchmarkCompare(b *testing.B) {
	const n = 20_000
	from := newLarge(b, n)
	b.SetBytes(2 * n * 768 * 4)
	for b.Loop() {
		if r, err := copyindex.Copy(b.Context(), from, from, copyindex.Options{}); err != nil || r.Unchanged != n {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkVerify checks an index but for its images.
func BenchmarkVerify(b *testing.B) {
	const n = 20_000
	store := newLarge(b, n)
	if err := store.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * n * 768 * 4)
	for b.Loop() {
		if r, err := verify.Verify(b.Context(), store, verify.Options{}); err != nil || !r.OK() {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}
