package build

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"engram/index"

	"golang.org/x/sync/errgroup"
)

// encoders is how many batches are under way: while one waits for the model,
// the other gathers and prepares its images.
const encoders = 2

// batchBytes is the size of the images from which on a batch is not waited to
// be full.
const batchBytes = 32 << 20

// decoded is an image on its way to the encoder.
type decoded[I any] struct {
	entry *Entry
	image I
}

// pipeline is one run of decoders and encoders. In memory are one image for each
// decoder and a batch for each encoder, which ends with the image that takes it
// to batchBytes.
type pipeline[I any] struct {
	job    Job[I]
	plan   *plan
	mu     sync.Mutex // guards report and calls of Progress
	report *Report
	done   int
}

// encodeAll decodes, encodes and stores the entries that the plan says.
func (j Job[I]) encodeAll(ctx context.Context, p *plan, report *Report) error {
	if len(p.encode) == 0 {
		return nil
	}
	if j.Batch <= 0 {
		j.Batch = 16
	}
	line := &pipeline[I]{job: j, plan: p, report: report}
	line.progress(0)
	entries := make(chan *Entry)
	images := make(chan decoded[I])

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(entries)
		for _, e := range p.encode {
			if err := send(ctx, entries, e); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		defer close(images)
		decoders, ctx := errgroup.WithContext(ctx)
		for range runtime.GOMAXPROCS(0) {
			decoders.Go(func() error { return line.decode(ctx, entries, images) })
		}
		return decoders.Wait()
	})
	for range encoders {
		group.Go(func() error { return line.encode(ctx, images) })
	}
	return group.Wait()
}

// send puts v into a channel unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// decode is one decoder.
func (l *pipeline[I]) decode(ctx context.Context, entries <-chan *Entry, images chan<- decoded[I]) error {
	for e := range entries {
		image, err := l.read(e)
		if err != nil {
			l.bad(e, err)
			continue
		}
		if err := send(ctx, images, decoded[I]{e, image}); err != nil {
			return err
		}
	}
	return nil
}

func (l *pipeline[I]) read(e *Entry) (image I, err error) {
	file, err := e.Open()
	if err != nil {
		return image, err
	}
	defer file.Close()
	return l.job.Encoder.Decode(file)
}

// encode is one encoder: it gathers batches until the images end.
func (l *pipeline[I]) encode(ctx context.Context, images <-chan decoded[I]) error {
	batch, size := make([]decoded[I], 0, l.job.Batch), 0
	for image := range images {
		batch = append(batch, image)
		size += l.job.Encoder.Size(image.image)
		if len(batch) < l.job.Batch && size < batchBytes {
			continue
		}
		if err := l.store(ctx, batch); err != nil {
			return err
		}
		clear(batch) // lets go of the images
		batch, size = batch[:0], 0
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return l.store(ctx, batch)
}

// store encodes a batch and puts it into the store.
func (l *pipeline[I]) store(ctx context.Context, batch []decoded[I]) error {
	images := make([]I, len(batch))
	for i := range batch {
		images[i] = batch[i].image
	}
	vectors, err := l.job.Encoder.Encode(ctx, images)
	if errors.Is(err, ErrImage) {
		if len(batch) == 1 {
			l.bad(batch[0].entry, err)
			return nil
		}
		for i := range batch {
			if err := l.store(ctx, batch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	items := make([]index.Item, len(batch))
	for i, d := range batch {
		items[i] = index.Item{ID: d.entry.ID, Vector: vectors[i], Payload: d.entry.Payload}
	}
	if err := l.job.Store.Upsert(ctx, items); err != nil {
		return err
	}
	l.stored(items)
	return nil
}

// stored counts items that are in the store.
func (l *pipeline[I]) stored(items []index.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, item := range items {
		if l.plan.known[item.ID] {
			l.report.Changed++
		} else {
			l.report.Added++
		}
	}
	l.report.Encoded += len(items)
	l.progress(len(items))
}

// bad counts and lists an image that could not be used.
func (l *pipeline[I]) bad(e *Entry, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Bad = append(l.report.Bad, Bad{e.path(), err.Error()})
	l.progress(1)
}

// progress reports n more images. The caller holds the lock.
func (l *pipeline[I]) progress(n int) {
	l.done += n
	if l.job.Progress != nil {
		l.job.Progress(Progress{Done: l.done, Total: len(l.plan.encode), Bad: len(l.report.Bad)})
	}
}
