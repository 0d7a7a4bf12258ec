package build

import (
	"context"
	"errors"
)

// batchBytes is the size of the images from which on a batch is not waited to
// be full.
const batchBytes = 32 << 20

// decoded is an image on its way to the encoder.
type decoded[I any] struct {
	work
	image I
}

// decode is one decoder.
func (p *pipeline[I]) decode(ctx context.Context, rows <-chan work, images chan<- decoded[I]) error {
	for w := range rows {
		image, err := p.decodeRow(&w.row)
		if err != nil {
			p.settle([]outcome{unusable(w, err)})
			continue
		}
		if err := send(ctx, images, decoded[I]{w, image}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline[I]) decodeRow(row *Row) (image I, err error) {
	file, err := row.Open()
	if err != nil {
		return image, err
	}
	defer file.Close()
	image, err = p.job.Encoder.Decode(file)
	row.Open = nil // lets go of an image in memory
	return image, err
}

// encode is one encoder: it gathers batches until the images end. A batch ends
// with the image that takes it to batchBytes.
func (p *pipeline[I]) encode(ctx context.Context, images <-chan decoded[I]) error {
	batch, size := make([]decoded[I], 0, p.job.Batch), 0
	for image := range images {
		batch = append(batch, image)
		size += p.job.Encoder.Size(image.image)
		if len(batch) < p.job.Batch && size < batchBytes {
			continue
		}
		if err := p.encodeBatch(ctx, batch); err != nil {
			return err
		}
		clear(batch) // lets go of the images
		batch, size = batch[:0], 0
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return p.encodeBatch(ctx, batch)
}

// encodeBatch encodes images and stores their vectors.
func (p *pipeline[I]) encodeBatch(ctx context.Context, images []decoded[I]) error {
	pictures := make([]I, len(images))
	for i := range images {
		pictures[i] = images[i].image
	}
	var vectors [][]float32
	var err error
	p.encoding.during(func() { vectors, err = p.job.Encoder.Encode(ctx, pictures) })
	if errors.Is(err, ErrImage) {
		if len(images) == 1 {
			p.settle([]outcome{unusable(images[0].work, err)})
			return nil
		}
		for i := range images {
			if err := p.encodeBatch(ctx, images[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	var b batch
	for i := range images {
		b.add(images[i].work, vectors[i], counts{Stored: 1, Encoded: 1})
	}
	return p.store(ctx, b)
}
