package main

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"engram/data/scenes"
	"engram/embed/ort/orttest"
	"engram/index/ingest"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// BenchmarkBuild indexes 1,024 pictures with the demo's CLIP. "busy" is the part of
// the time in which the encoder had something to do. "overhead" is the processor
// time of the build beyond that of decoding and of encoding the same pictures in
// the same batches without a pipeline, in parts of the encoder's.
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
	a := &console{
		streams:     streams{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }},
		libraryFlag: orttest.Runtime(b).Path(), cacheFlag: b.TempDir(), device: "cpu",
	}
	var busy, overhead []float64
	for b.Loop() {
		f := buildFlags{source: filepath.Join(dir, "train"), bundle: "scenes-clip", bundleSet: true, out: filepath.Join(b.TempDir(), "index"), batch: 16}
		whole, decoding, encoding, report := benchmarkBuild(b, a, f)
		busy = append(busy, report.EncoderBusy)
		overhead = append(overhead, (whole-decoding-encoding).Seconds()/encoding.Seconds())
	}
	b.ReportMetric(median(busy), "busy")
	b.ReportMetric(median(overhead), "overhead")
}

// benchmarkBuild returns the processor time of a build, and that of its parts.
func benchmarkBuild(b *testing.B, a *console, f buildFlags) (whole, decoding, encoding time.Duration, report *ingest.Report) {
	b.Helper()
	p, err := a.prepare(b.Context(), f)
	if err != nil {
		b.Fatal(err)
	}
	to := target{dim: p.dim}
	if err := to.open(b.Context(), a, f, p.bundle, p.source); err != nil {
		b.Fatal(err)
	}
	job := p.job
	job.Store, job.Ledger = to.store, to.manifest
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
					image, err := job.Encoder.Decode(file)
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
		for batch := range slices.Chunk(images, f.batch) {
			group.Go(func() error {
				_, err := job.Encoder.Encode(ctx, batch)
				return err
			})
		}
		return group.Wait()
	})
	if err := errors.Join(to.Close(), p.Close()); err != nil {
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
