package laion_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"engram/data/laion"
)

const benchRows, benchDim = 50_000, 768

// benchShard writes a shard like LAION's and returns it: 768 elements of
// float16, and six columns, two of them long text.
func benchShard(b *testing.B) laion.Shard {
	b.Helper()
	dir := b.TempDir()
	w := create(b, dir, laion.WriterOptions{Dim: benchDim})
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"zebra", "grass", "photo", "of", "a", "standing", "near", "the", "river", "wooden", "house", "vector"}
	v := make([]float32, benchDim)
	for i := range benchRows {
		for k := range v {
			v[k] = float32(r.NormFloat64()) / 28
		}
		caption := ""
		for range 4 + r.IntN(12) {
			caption += words[r.IntN(len(words))] + " "
		}
		err := w.Append(map[string]any{
			"image_path": fmt.Sprintf("%09d", i), "caption": caption,
			"url":  fmt.Sprintf("https://cdn%d.example.com/images/%x/%d.jpg", i%97, r.Uint64(), i),
			"NSFW": []string{"UNLIKELY", "UNSURE"}[r.IntN(2)], "similarity": r.Float64(), "width": int64(r.IntN(2000)),
		}, v)
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		b.Fatal(err)
	}
	return shards[0]
}

// BenchmarkRead compares the bytes alone with vectors and with payloads, all in
// bytes of the npy file.
func BenchmarkRead(b *testing.B) {
	shard := benchShard(b)
	b.Run("bytes", func(b *testing.B) { benchBytes(b, shard) })
	b.Run("vectors", func(b *testing.B) { benchOpen(b, shard, laion.Options{NoPayload: true}) })
	b.Run("caption", func(b *testing.B) { benchOpen(b, shard, laion.Options{Columns: []string{"caption"}}) })
	b.Run("payloads", func(b *testing.B) { benchOpen(b, shard, laion.Options{}) })
}

func benchBytes(b *testing.B, shard laion.Shard) {
	buffer := make([]byte, 1<<18)
	b.SetBytes(shard.Vectors.Size)
	for b.Loop() {
		for _, path := range []string{shard.Vectors.Path, shard.Metadata.Path} {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				_, err = f.Read(buffer)
			}
			f.Close()
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
	}
}

func benchOpen(b *testing.B, shard laion.Shard, o laion.Options) {
	b.SetBytes(shard.Vectors.Size)
	block := laion.NewBlock(1024, shard.Dim)
	for b.Loop() {
		rows, err := laion.Open(shard, o)
		if err != nil {
			b.Fatal(err)
		}
		for total := 0; ; {
			n, err := rows.Read(block)
			if total += n; errors.Is(err, io.EOF) && total == shard.Rows {
				break
			}
			if err != nil {
				b.Fatal(err, total)
			}
		}
		rows.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(shard.Rows), "ns/row")
}
