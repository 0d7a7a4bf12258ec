package flat_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"engram/data/simd"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/disk"
	"engram/index/internal/flat"
)

const benchRows, benchDim = 200_000, 768

// benchSegment writes benchRows random unit vectors as a segment and maps it.
func benchSegment(b *testing.B) *disk.Segment {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var refs []disk.Ref
	const batch = 10_000
	for len(refs) < benchRows {
		builder := disk.NewBuilder(benchDim, batch, 0)
		for range batch {
			v := make([]float32, benchDim)
			for j := range v {
				v[j] = float32(rng.NormFloat64())
			}
			if err := builder.Add(index.Item{ID: index.ID(len(refs)), Vector: v}); err != nil {
				b.Fatal(err)
			}
			refs = append(refs, disk.Ref{Segment: builder.Segment(), Row: len(refs) % batch})
		}
	}
	dir := b.TempDir()
	err := disk.Folder{Path: dir, FS: vfs.OS{}}.Write("bench", func(w io.Writer) error { return disk.WriteSegment(w, refs) })
	if err != nil {
		b.Fatal(err)
	}
	segment, err := disk.OpenSegment(filepath.Join(dir, "bench"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := segment.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := segment.Verify(b.Context()); err != nil { // reads it into memory
		b.Fatal(err)
	}
	return segment
}

// BenchmarkSearch is the whole query, heap and re-scoring included, over a
// mapped segment. MB/s counts the codes, or vectors, of all rows once.
func BenchmarkSearch(b *testing.B) {
	segment := benchSegment(b)
	vectorsOnly := new(segment.WithoutCodes())
	rng := rand.New(rand.NewPCG(3, 4))
	queries := make([][]float32, 64)
	for i := range queries {
		queries[i] = make([]float32, benchDim)
		for j := range queries[i] {
			queries[i][j] = float32(rng.NormFloat64())
		}
		var err error
		if queries[i], err = index.Unit(queries[i], benchDim); err != nil {
			b.Fatal(err)
		}
	}
	for _, kernels := range simd.All() {
		for _, set := range []struct {
			name  string
			rows  *column.Rows
			bytes int64
		}{
			{"int8", &segment.Rows, benchRows * benchDim},
			{"float32", vectorsOnly, benchRows * benchDim * 4},
		} {
			for _, threads := range []int{1, 2} {
				name := fmt.Sprintf("%s/n=%d/dim=%d/k=10/threads=%d/impl=%s", set.name, benchRows, benchDim, threads, kernels.Name)
				b.Run(name, func(b *testing.B) {
					b.SetBytes(set.bytes)
					b.ReportAllocs()
					scan := flat.Scan{Kernels: kernels, Threads: threads}
					parts := []column.Part{{Rows: set.rows}}
					for i := 0; b.Loop(); i++ {
						if _, err := scan.Search(context.Background(), nil, parts, queries[i%len(queries)], 10); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
				})
			}
		}
	}
}

// BenchmarkBatch is a batch of 512 queries over a mapped segment.
func BenchmarkBatch(b *testing.B) {
	segment := benchSegment(b)
	rng := rand.New(rand.NewPCG(3, 4))
	queries := make([][]float32, 512)
	for i := range queries {
		queries[i] = make([]float32, benchDim)
		for j := range queries[i] {
			queries[i][j] = float32(rng.NormFloat64())
		}
		var err error
		if queries[i], err = index.Unit(queries[i], benchDim); err != nil {
			b.Fatal(err)
		}
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("n=%d/dim=%d/k=10/queries=%d/threads=%d", benchRows, benchDim, len(queries), threads), func(b *testing.B) {
			for b.Loop() {
				if _, err := (flat.Scan{Threads: threads}).Batch(b.Context(), []column.Part{{Rows: &segment.Rows}}, queries, 10); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(queries))/b.Elapsed().Seconds(), "queries/s")
		})
	}
}
