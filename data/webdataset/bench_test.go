package webdataset_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"engram/data/webdataset"
)

// shard writes a tar in the manner of img2dataset: samples of a picture, which
// is random bytes around 28 KB, a caption and 500 bytes of json.
func shard(b *testing.B, w io.Writer) {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	source := rand.NewChaCha8([32]byte{1})
	archive := tar.NewWriter(w)
	for i := range samples {
		picture := make([]byte, 16<<10+rng.IntN(24<<10))
		_, _ = source.Read(picture) // never fails
		for _, f := range []struct {
			ext     string
			content []byte
		}{{"jpg", picture}, {"json", bytes.Repeat([]byte("json "), 100)}, {"txt", []byte("a caption of some words")}} {
			header := &tar.Header{Name: fmt.Sprintf("%09d.%s", i, f.ext), Mode: 0o444, Size: int64(len(f.content)), Uname: "bigdata", Gname: "bigdata"}
			if err := archive.WriteHeader(header); err != nil {
				b.Fatal(err)
			}
			if _, err := archive.Write(f.content); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := archive.Close(); err != nil {
		b.Fatal(err)
	}
}

const samples = 6700 // of a shard of 200 MB

// shardFile writes a shard and returns where it is and how large its tar is.
func shardFile(b *testing.B, compress func(io.Writer) (io.WriteCloser, error)) (path string, size int64) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "shard")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, err := compress(f)
	if err != nil {
		b.Fatal(err)
	}
	counted := &counter{w: w}
	buffered := bufio.NewWriterSize(counted, 1<<20)
	shard(b, buffered)
	if err := errors.Join(buffered.Flush(), w.Close()); err != nil {
		b.Fatal(err)
	}
	return path, counted.n
}

// BenchmarkReadFile reads shards from the page cache.
func BenchmarkReadFile(b *testing.B) {
	for _, c := range []struct {
		name     string
		compress func(io.Writer) (io.WriteCloser, error)
	}{
		{"plain", func(w io.Writer) (io.WriteCloser, error) { return w.(*os.File), nil }},
		{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, 1) }},
		{"zstd", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			path, size := shardFile(b, c.compress)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range webdataset.ReadFile(path, webdataset.Options{}) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != samples {
					b.Fatalf("%d samples, want %d", n, samples)
				}
			}
		})
	}
}

// BenchmarkCopy is what BenchmarkReadFile/plain is measured by: the same bytes
// to nowhere, and into memory of their own.
func BenchmarkCopy(b *testing.B) {
	path, size := shardFile(b, func(w io.Writer) (io.WriteCloser, error) { return w.(*os.File), nil })
	b.Run("discard", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, f); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
	})
	b.Run("allocate", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				_, err = f.Read(make([]byte, size/samples))
			}
			f.Close()
		}
	})
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
