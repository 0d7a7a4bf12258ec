package disk

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"engram/data/vfs"
	"engram/index"
)

const benchDim = 512

// benchItems are rows as an import has them, not quite of unit length.
func benchItems(n int) []index.Item {
	rng := rand.New(rand.NewPCG(1, 2))
	items := make([]index.Item, n)
	for i := range items {
		v := make([]float32, benchDim)
		for k := range v {
			v[k] = float32(rng.NormFloat64())
		}
		items[i] = index.Item{ID: index.ID(i), Vector: v, Payload: index.Payload{
			"url":     fmt.Sprintf("https://images.example.org/%d/%d.jpg", i*7919%10007, i),
			"caption": fmt.Sprintf("a photo of thing %d beside thing %d in a place", rng.IntN(1000), rng.IntN(1000)),
			"NSFW":    "UNLIKELY", "similarity": rng.Float64(), "width": int64(rng.IntN(2000)), "height": int64(rng.IntN(2000)),
		}}
	}
	return items
}

func benchSegment(b *testing.B, items []index.Item) *Segment {
	builder := NewBuilder(benchDim, len(items), 0)
	for _, item := range items {
		if err := builder.Add(item); err != nil {
			b.Fatal(err)
		}
	}
	return builder.Segment()
}

// BenchmarkBuilder makes segments as large as an import makes them.
func BenchmarkBuilder(b *testing.B) {
	items := benchItems(4096)
	b.SetBytes(int64(benchSegment(b, items).Bytes()))
	b.ReportAllocs()
	for b.Loop() {
		benchSegment(b, items)
	}
}

// BenchmarkWrite writes and syncs 24 such segments as one.
func BenchmarkWrite(b *testing.B) {
	items := benchItems(24 * 4096)
	var refs []Ref
	bytes := 0
	for len(refs) < len(items) {
		s := benchSegment(b, items[len(refs):][:4096])
		bytes += s.Bytes()
		for row := range s.IDs {
			refs = append(refs, Ref{Segment: s, Row: row})
		}
	}
	folder := Folder{Path: b.TempDir(), FS: vfs.OS{}}
	b.SetBytes(int64(bytes))
	for b.Loop() {
		if err := folder.Write("segment", func(w io.Writer) error { return WriteSegment(w, refs) }); err != nil {
			b.Fatal(err)
		}
	}
}
