package app

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"engram/data/scenes"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/index/ingest"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// BenchmarkBuild indexes 1,024 pictures with the demo's CLIP. "busy" is the part of
// the time in which the encoder had something to do. "overhead" is the processor
// time that the build takes beyond decoding and encoding the same pictures in the
// same batches without a pipeline, as a share of the encoder's time.
func BenchmarkBuild(b *testing.B) {
	dir := b.TempDir()
	world := scenes.New(1)
	list := make([]scenes.Scene, 1024)
	for i := range list {
		list[i] = world.Scene(scenes.Train, uint64(i))
	}
	if err := scenes.WriteFolder(b.Context(), scenes.Folder{Dir: dir, Name: "train", Size: 128}, list); err != nil {
		b.Fatal(err)
	}
	a := New(Options{Library: ort.LibraryOptions{Path: orttest.Runtime(b).Path(), CacheDir: b.TempDir()}})
	var busy, overhead []float64
	for b.Loop() {
		spec := BuildSpec{Source: SourceSpec{Place: filepath.Join(dir, "train")}, Model: ScenesCLIP, Out: filepath.Join(b.TempDir(), "index"), Batch: 4}
		whole, decoding, encoding, report := benchmarkBuild(b, a, spec)
		busy = append(busy, report.EncoderBusy)
		overhead = append(overhead, (whole-decoding-encoding).Seconds()/encoding.Seconds())
	}
	b.ReportMetric(median(busy), "busy")
	b.ReportMetric(median(overhead), "overhead")
}

// benchmarkBuild returns the processor time of a build and of its parts.
func benchmarkBuild(b *testing.B, a *App, spec BuildSpec) (whole, decoding, encoding time.Duration, report *ingest.Report) {
	b.Helper()
	in, err := a.openInput(b.Context(), spec, nil)
	if err != nil {
		b.Fatal(err)
	}
	to, err := a.openTarget(b.Context(), spec, in)
	if err != nil {
		b.Fatal(err)
	}
	job := in.job(spec)
	job.Store, job.Ledger = to.Store, to.ledger
	whole = processorTime(b, func() error {
		report, err = job.Run(b.Context())
		return err
	})
	var images []ingest.Input
	decoding = processorTime(b, func() error {
		for _, shard := range job.Shards {
			for rows, err := range shard.Read(b.Context(), 0) {
				if err != nil {
					return err
				}
				for _, row := range rows {
					file, err := row.Open()
					if err != nil {
						return err
					}
					image, err := job.Encoder.Decode(b.Context(), file)
					if err := errors.Join(err, file.Close()); err != nil {
						return err
					}
					images = append(images, image)
				}
			}
		}
		return nil
	})
	encoding = processorTime(b, func() error {
		group, ctx := errgroup.WithContext(b.Context())
		group.SetLimit(2)
		for batch := range slices.Chunk(images, spec.Batch) {
			group.Go(func() error {
				_, err := job.Encoder.Encode(ctx, batch)
				return err
			})
		}
		return group.Wait()
	})
	if err := errors.Join(to.Close(), in.Close()); err != nil {
		b.Fatal(err)
	}
	return whole, decoding, encoding, report
}

// processorTime returns the processor time that a function takes.
func processorTime(b *testing.B, do func() error) time.Duration {
	b.Helper()
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	began := used()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used() - began)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
