package ingest

import (
	"context"
	"engram/index/source"
	"errors"
)

// batchBytes is the size of the images from which on a batch is not waited to
// be full.
const batchBytes = 32 << 20

// decoded is an image on its way to the encoder.
type decoded struct {
	work
	input Input
}

// decode is one decoder.
func (p *pipeline) decode(ctx context.Context, rows <-chan work, images chan<- decoded) error {
	for w := range rows {
		image, err := p.decodeRow(&w.row)
		if err != nil {
			p.settle([]outcome{unusable(w, err)})
			continue
		}
		if err := send(ctx, images, decoded{w, image}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline) decodeRow(row *source.Row) (input Input, err error) {
	file, err := row.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	input, err = p.job.Encoder.Decode(file)
	row.Open = nil // lets go of an image in memory
	return input, err
}

// gather puts images together into batches. A batch is full with the image that
// takes it to the size of one or to batchBytes. One that is not goes out while
// no other is being encoded, so that the encoder never waits for more than an
// image, and batches are as large as it is slow.
func (p *pipeline) gather(ctx context.Context, images <-chan decoded, batches chan<- []decoded) error {
	var batch []decoded
	size := 0
	for images != nil || len(batch) > 0 {
		full := len(batch) == p.job.Batch || size >= batchBytes
		from, to := images, batches
		if full {
			from = nil
		}
		if len(batch) == 0 || !full && images != nil && p.busy.Load() > 0 {
			to = nil
		}
		select {
		case image, more := <-from:
			if !more {
				images = nil
				continue
			}
			batch = append(batch, image)
			size += image.input.Size()
		case to <- batch:
			batch, size = nil, 0
		case <-p.idle: // look again
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// encode is one encoder.
func (p *pipeline) encode(ctx context.Context, batches <-chan []decoded) error {
	for images := range batches {
		p.busy.Add(1)
		b, err := p.encodeBatch(ctx, images)
		p.busy.Add(-1)
		notify(p.idle)
		if err != nil {
			return err
		}
		if err := p.store(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// encodeBatch encodes images. What cannot be encoded is settled.
func (p *pipeline) encodeBatch(ctx context.Context, images []decoded) (b batch, err error) {
	inputs := make([]Input, len(images))
	for i := range images {
		inputs[i] = images[i].input
	}
	var vectors [][]float32
	p.encoding.during(func() { vectors, err = p.job.Encoder.Encode(ctx, inputs) })
	switch {
	case errors.Is(err, ErrImage) && len(images) == 1:
		p.settle([]outcome{unusable(images[0].work, err)})
		return b, nil
	case errors.Is(err, ErrImage):
		for i := range images {
			one, err := p.encodeBatch(ctx, images[i:i+1])
			if err != nil {
				return b, err
			}
			b.items, b.outcomes = append(b.items, one.items...), append(b.outcomes, one.outcomes...)
		}
		return b, nil
	case err != nil:
		return b, err
	}
	for i := range images {
		b.add(images[i].work, vectors[i], counts{Stored: 1, Encoded: 1})
	}
	return b, nil
}
