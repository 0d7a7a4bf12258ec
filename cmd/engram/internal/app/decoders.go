package app

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/batch"
	"engram/cmd/engram/internal/twostage"
	"engram/data/progress"
	"engram/data/space"
	"engram/embed/dataset"
	"engram/embed/ort"
	"engram/embed/scan"
	"engram/embed/voxels"

	"gonum.org/v1/gonum/blas/blas32"
)

// Decoder is an open decoder with the library that runs it.
type Decoder struct {
	*scan.Decoder
	dir     string
	runtime *ort.Runtime
	session ort.SessionOptions
	queue   *batch.Batcher[[]float32, []float32] // nil: each scan has a run of its own
}

// OpenDecoder opens the decoder in a folder.
func (a *App) OpenDecoder(ctx context.Context, dir string, watch progress.Func) (*Decoder, error) {
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	d, err := scan.Open(rt, dir, a.Session())
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	return &Decoder{Decoder: d, dir: dir, runtime: rt, session: a.Session()}, nil
}

// Close frees the decoder and the library.
func (d *Decoder) Close() error {
	return errors.Join(d.queue.Close(), d.Decoder.Close(), d.runtime.Close())
}

// Space returns the space of the decoder's predictions.
func (d *Decoder) Space() space.Space { return d.Config().Target }

// CheckVoxels refuses scans of other voxels than the decoder's, and else says in one
// line what was compared.
func (d *Decoder) CheckVoxels(scans *dataset.Voxels) (compared string, err error) {
	return d.checkVoxels(scans.Count, scans.Order)
}

func (d *Decoder) checkVoxels(count int, order voxels.Order) (compared string, err error) {
	if count != d.Config().Voxels {
		return "", fmt.Errorf("scan of %d voxels, the decoder %s takes %d", count, d.dir, d.Config().Voxels)
	}
	if compared, err = d.Config().Order.Check(order); err != nil {
		return "", fmt.Errorf("decoder %s: %w", d.dir, err)
	}
	return compared, nil
}

// Query returns the unit vector to search an index for, predicted from the
// repeats of one scan.
func (d *Decoder) Query(ctx context.Context, repeats [][]float32) ([]float32, error) {
	p, err := d.predict(ctx, repeats)
	if err != nil {
		return nil, err
	}
	return p.global(ctx)
}

// Unlike returns how far the mean of one scan's repeats lies from the training trials (see
// scan.Decoder.Deviation), and whether it is too far for a stated probability.
func (d *Decoder) Unlike(repeats [][]float32) (deviation float64, unlike bool, err error) {
	mean, err := scan.MeanOfRepeats(repeats, d.Config().Voxels)
	if err != nil {
		return 0, false, err
	}
	deviation, known, err := d.Deviation(mean)
	return deviation, known && deviation > scan.MostDeviation, err
}

// prediction is what a decoder makes of the repeats of one scan.
type prediction struct {
	decoder *Decoder  // open until the querier is closed
	values  []float32 // scores, [Rank], of a scored decoder, else tokens, [T·D]
	repeats int
}

// predict averages the repeats of one scan voxel by voxel, as the published protocols do,
// and predicts what searches compare.
func (d *Decoder) predict(ctx context.Context, repeats [][]float32) (*prediction, error) {
	mean, err := d.meanOf(repeats)
	if err != nil {
		return nil, err
	}
	values, err := d.one(ctx, mean)
	return &prediction{decoder: d, values: values, repeats: len(repeats)}, err
}

// predictAll is predict of several scans, which share runs of the model.
func (d *Decoder) predictAll(ctx context.Context, scans [][][]float32) ([]*prediction, error) {
	means := make([][]float32, len(scans))
	var err error
	for i, repeats := range scans {
		if means[i], err = d.meanOf(repeats); err != nil {
			return nil, err
		}
	}
	values, err := d.all(ctx, means)
	if err != nil {
		return nil, err
	}
	predicted := make([]*prediction, len(scans))
	for i, repeats := range scans {
		predicted[i] = &prediction{decoder: d, values: values[i], repeats: len(repeats)}
	}
	return predicted, nil
}

// meanOf returns the mean of the repeats of one scan, voxel by voxel.
func (d *Decoder) meanOf(repeats [][]float32) ([]float32, error) {
	voxels := d.Config().Voxels
	for _, row := range repeats {
		if len(row) != voxels {
			return nil, fmt.Errorf("scan of %d voxels, the decoder %s takes %d", len(row), d.dir, voxels)
		}
	}
	return scan.MeanOfRepeats(repeats, voxels)
}

// compared predicts what searches compare of scans, [n, V]: scores, [n, Rank], of a scored
// decoder, else tokens, [n, T·D].
func (d *Decoder) compared(ctx context.Context, scans blas32.General) (blas32.General, error) {
	if d.Config().Scored() {
		return d.Scores(ctx, scans)
	}
	return d.Decode(ctx, scans)
}

// global returns the vector of the first stage.
func (p *prediction) global(ctx context.Context) ([]float32, error) {
	if p.decoder.Config().Scored() {
		return p.decoder.FirstStageOfScores(ctx, p.values)
	}
	return p.decoder.FirstStage(p.values)
}

// query returns what a search compares by the decoder's metric.
func (p *prediction) query() (twostage.Query, error) {
	q := twostage.Query{Global: p.global, Repeats: p.repeats}
	metric, err := p.decoder.Metric()
	if err != nil {
		return q, err
	}
	of := metric.Query
	if p.decoder.Config().Scored() {
		of = metric.QueryScores
	}
	q.Vector, err = of(p.values, p.repeats)
	return q, err
}
