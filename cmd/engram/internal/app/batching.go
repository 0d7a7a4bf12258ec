package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"engram/cmd/engram/internal/batch"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/pixels"

	"github.com/prometheus/client_golang/prometheus"
	"gonum.org/v1/gonum/blas/blas32"
)

// Uses of models, as clients read them at /v1/models.
const (
	useImage   = "image"
	useText    = "text"
	useDecoder = "decoder"
)

// BatchSpec says how requests that come at the same time share runs of models.
type BatchSpec struct {
	Uses []string      // of the models whose runs are shared: image, text, decoder; none, or "none" alone: no model's
	Size int           // the most requests of one run; 0: 16
	Wait time.Duration // how long a request waits for others beside the run before its own; 0: not at all
}

// DefaultBatchUses are the models whose runs are shared where nobody says. NOTES.md has the
// measurements.
func DefaultBatchUses() []string { return []string{useDecoder, useText} }

// batches are how a server's requests share runs, and count their sizes.
type batches struct {
	spec  BatchSpec
	sizes *prometheus.HistogramVec
}

// newBatches checks what a user asks for.
func newBatches(spec BatchSpec) (*batches, error) {
	if slices.Equal(spec.Uses, []string{"none"}) {
		spec.Uses = nil
	}
	for _, use := range spec.Uses {
		if !slices.Contains([]string{useImage, useText, useDecoder}, use) {
			return nil, fmt.Errorf("--batch has %q, wanted some of %s, or none", use, strings.Join([]string{useImage, useText, useDecoder}, ", "))
		}
	}
	if spec.Size < 0 || spec.Wait < 0 {
		return nil, fmt.Errorf("--batch-size is %d and --batch-wait %v, wanted 0 or more", spec.Size, spec.Wait)
	}
	spec.Size = cmp.Or(spec.Size, 16)
	return &batches{spec, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "engram_model_batch_size", Help: "Requests that shared a run of a model.", Buckets: prometheus.ExponentialBuckets(1, 2, 8),
	}, []string{"use"})}, nil
}

// runner is an open model that can share its runs.
type runner interface {
	Device() string
	RunSize() int // the most items of one run
	Batch(batch.Options)
}

// cpuRuns is how many runs of one model go on at once on the CPU, as many as package ort
// lets go on: while one of them is in its serial parts the other has the processors.
const cpuRuns = 2

// share lets requests share the runs of a model, unless a user does not want that or the
// model gains nothing: a graph of int8 or of one item a run runs once for each request anyway.
func (b *batches) share(use string, m *model.Manifest, r runner) {
	if !slices.Contains(b.spec.Uses, use) || r.RunSize() < 2 || m.Precision == "int8" {
		return
	}
	size := b.sizes.WithLabelValues(use)
	opts := batch.Options{Size: min(b.spec.Size, r.RunSize()), Wait: b.spec.Wait, Runs: 1, Observe: func(n int) { size.Observe(float64(n)) }}
	if r.Device() == "cpu" {
		opts.Runs = cpuRuns
	}
	r.Batch(opts)
}

// one encodes a text, with others that come at the same time where texts are batched.
func (m *TextEncoder) one(ctx context.Context, text string) (embed.Vector, error) {
	if m.queue != nil {
		return m.queue.Do(ctx, text)
	}
	vectors, err := m.Encode(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

// Batch lets texts share runs of the model that are embedded at the same time.
func (m *TextEncoder) Batch(opts batch.Options) { m.queue = batch.New(m.Encode, opts) }

// one encodes an image, with others that come at the same time where images are batched.
func (m *ImageEncoder) one(ctx context.Context, img *pixels.Image) (embed.Vector, error) {
	if m.queue != nil {
		return m.queue.Do(ctx, img)
	}
	vectors, err := m.Encode(ctx, []*pixels.Image{img})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

// Batch lets images share runs of the model that are embedded at the same time.
func (m *ImageEncoder) Batch(opts batch.Options) { m.queue = batch.New(m.Encode, opts) }

// Batch lets scans share runs of the model that are decoded at the same time.
func (d *Decoder) Batch(opts batch.Options) { d.queue = batch.New(d.several, opts) }

// one predicts what searches compare, [Rank] or [T·D], of a scan, [V], with others that come
// at the same time where scans are batched.
func (d *Decoder) one(ctx context.Context, scan []float32) ([]float32, error) {
	if d.queue != nil {
		return d.queue.Do(ctx, scan)
	}
	predicted, err := d.several(ctx, [][]float32{scan})
	if err != nil {
		return nil, err
	}
	return predicted[0], nil
}

// all is one of several scans, [n][V].
func (d *Decoder) all(ctx context.Context, scans [][]float32) ([][]float32, error) {
	if d.queue != nil {
		return d.queue.DoAll(ctx, scans)
	}
	var predicted [][]float32
	for some := range slices.Chunk(scans, d.RunSize()) {
		of, err := d.several(ctx, some)
		if err != nil {
			return nil, err
		}
		predicted = append(predicted, of...)
	}
	return predicted, nil
}

// several predicts what searches compare, [n][Rank] or [n][T·D], of scans, [n][V].
func (d *Decoder) several(ctx context.Context, scans [][]float32) ([][]float32, error) {
	voxels := d.Config().Voxels
	rows := blas32.General{Rows: len(scans), Cols: voxels, Stride: voxels, Data: scans[0]}
	if len(scans) > 1 {
		rows.Data = slices.Concat(scans...)
	}
	predicted, err := d.compared(ctx, rows)
	if err != nil {
		return nil, err
	}
	return slices.Collect(slices.Chunk(predicted.Data, predicted.Cols)), nil
}
