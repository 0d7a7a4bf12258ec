package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"engram/data/laion"
	"engram/data/progress"
	"engram/data/vfs"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/source"
)

// writeLAION fills dir with embeddings and metadata as LAION publishes them.
func writeLAION(t testing.TB, dir string, shards, rows, dim int) {
	t.Helper()
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: dim, RowsPerFile: rows})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, dim)
	for i := range shards * rows {
		sum := 0.
		for k := range v {
			v[k] = float32(rng.NormFloat64())
			sum += float64(v[k]) * float64(v[k])
		}
		for k := range v {
			v[k] /= float32(math.Sqrt(sum))
		}
		payload := map[string]any{
			"url":     fmt.Sprintf("https://images.example.org/%d/%d.jpg", i*7919%10007, i),
			"caption": fmt.Sprintf("a photo of thing %d beside thing %d in a place", rng.IntN(1000), rng.IntN(1000)),
			"NSFW":    "UNLIKELY", "similarity": rng.Float64(), "width": int64(rng.IntN(2000)), "height": int64(rng.IntN(2000)),
		}
		if err := w.Append(payload, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkImport imports embeddings, and next to it reads the same files and
// writes as many bytes as the index has, which is all that a disk has to do.
// "of-raw" is the import's part of that speed; where other processes keep the
// machine busy, it says more of them. The seconds of processor time do not. The
// large one needs 10 GB of disk.
func BenchmarkImport(b *testing.B) {
	for _, size := range []struct {
		name              string
		shards, rows, dim int
	}{{"200k", 4, 50_000, 512}, {"2M", 20, 100_000, 512}} {
		b.Run(size.name, func(b *testing.B) { benchmarkImport(b, size.shards, size.rows, size.dim) })
	}
}

func benchmarkImport(b *testing.B, shards, rows, dim int) {
	source := b.TempDir()
	writeLAION(b, source, shards, rows, dim)
	var imported, raw, processor, rawProcessor time.Duration
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "index")
		start, busy := time.Now(), processorTime(b)
		importFolder(b, source, dir, dim)
		imported += time.Since(start)
		processor += processorTime(b) - busy
		start, busy = time.Now(), processorTime(b)
		copyBytes(b, source, dir)
		raw += time.Since(start)
		rawProcessor += processorTime(b) - busy
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*shards*rows)/imported.Seconds(), "rows/s")
	b.ReportMetric(processor.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(rawProcessor.Seconds()/float64(b.N), "raw-cpu-s/op")
	b.ReportMetric(raw.Seconds()/imported.Seconds(), "of-raw")
}

// processorTime returns the processor time that the process has used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func importFolder(t testing.TB, place, dir string, dim int) {
	t.Helper()
	store, err := local.Create(dir, local.Options{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := ingest.OpenLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	from, err := source.Open(place, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	job := ingest.Job{Store: unindexed{store}, Ledger: ledger}
	if job.Shards, err = from.Shards(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := job.Run(t.Context())
	if err := errors.Join(err, store.Close(), ledger.Close()); err != nil {
		t.Fatal(err)
	}
	if report.Damaged+report.Unusable > 0 {
		t.Fatalf("report is %+v", report)
	}
}

// unindexed is a store whose bulk load ends without a graph, which takes many times as
// long as the import (see package graph).
type unindexed struct{ *local.Store }

func (s unindexed) EndBulk(ctx context.Context, _ progress.Func) error { return s.Flush(ctx) }

// copyBytes reads the files below from, and writes and syncs as many bytes as
// those below like have.
func copyBytes(t testing.TB, from, like string) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	size := int64(0)
	for _, dir := range []string{from, like} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			if dir == like {
				info, err := e.Info()
				size += info.Size()
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buffer)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(like, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	for ; size > 0 && err == nil; size -= int64(len(buffer)) {
		_, err = f.Write(buffer[:min(size, int64(len(buffer)))])
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
