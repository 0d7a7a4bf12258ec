package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"engram/data/progress"
	"engram/index/ingest"
	"engram/index/source"
)

// labelBytes is the size of the decoded images from which on a batch is not waited
// to be full.
const labelBytes = 32 << 20

// labelStream takes images from their sources to their labels, in order. In memory
// are a few decoded images and a batch.
type labelStream struct {
	*labeller
	encoder ingest.Encoder
	batch   int
	done    func()
}

// picture is an image on its way; what is known of it may be read once decoded is
// closed.
type picture struct {
	row     source.Row
	decoded chan struct{}
	input   ingest.Input
	err     error
}

func (s *labelStream) run(ctx context.Context, sources []*opened, watch progress.Func) error {
	var shards []source.Shard
	total := int64(0)
	for _, o := range sources {
		shards = append(shards, o.shards...)
		for _, shard := range o.shards {
			total += int64(max(0, shard.Rows))
		}
	}
	seen, report := int64(0), watch.Stage("labelling", "images", total)
	s.done = func() {
		seen++
		report(seen, max(seen, total))
	}
	group, ctx := errgroup.WithContext(ctx)
	pictures := make(chan *picture, 2*runtime.GOMAXPROCS(0))
	group.Go(func() error {
		defer close(pictures)
		return s.read(ctx, shards, pictures)
	})
	group.Go(func() error { return s.label(ctx, pictures) })
	return group.Wait()
}

// read sends the rows of the shards on, while their images are being decoded.
func (s *labelStream) read(ctx context.Context, shards []source.Shard, pictures chan<- *picture) error {
	decoding, ctx := errgroup.WithContext(ctx)
	decoding.SetLimit(runtime.GOMAXPROCS(0))
	for _, shard := range shards {
		for rows, err := range shard.Read(ctx, 0) {
			if err != nil {
				if ctx.Err() == nil {
					s.report.Damaged = append(s.report.Damaged, fmt.Sprintf("%s: %v", shard.Name, err))
				}
				break
			}
			for _, row := range rows {
				p := &picture{row: row, decoded: make(chan struct{})}
				select {
				case pictures <- p:
				case <-ctx.Done():
					return errors.Join(ctx.Err(), decoding.Wait())
				}
				decoding.Go(func() error {
					defer close(p.decoded)
					p.input, p.err = s.decode(ctx, p.row)
					return ctx.Err()
				})
			}
		}
	}
	return decoding.Wait()
}

// decode reads the image of a row.
func (s *labelStream) decode(ctx context.Context, row source.Row) (ingest.Input, error) {
	switch {
	case row.Err != nil:
		return nil, row.Err
	case row.Open == nil:
		return nil, errors.New("it is a vector, not an image; build an index and name it with --index")
	}
	file, err := row.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return s.encoder.Decode(ctx, file)
}

// label gathers decoded images into batches and labels them.
func (s *labelStream) label(ctx context.Context, pictures <-chan *picture) error {
	var batch []*picture
	size := 0
	for p := range pictures {
		select {
		case <-p.decoded:
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.err != nil {
			s.spoil(p.row.Name, p.err)
			s.done()
			continue
		}
		batch, size = append(batch, p), size+p.input.Size()
		if len(batch) < s.batch && size < labelBytes {
			continue
		}
		if err := s.encode(ctx, batch); err != nil {
			return err
		}
		batch, size = nil, 0
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return s.encode(ctx, batch)
}

// encode labels a batch; where one of the images spoils it they are encoded one by
// one.
func (s *labelStream) encode(ctx context.Context, batch []*picture) error {
	inputs := make([]ingest.Input, len(batch))
	for i, p := range batch {
		inputs[i] = p.input
	}
	vectors, err := s.encoder.Encode(ctx, inputs)
	switch {
	case errors.Is(err, ingest.ErrImage) && len(batch) == 1:
		s.spoil(batch[0].row.Name, err)
		s.done()
		return nil
	case errors.Is(err, ingest.ErrImage):
		for i := range batch {
			if err := s.encode(ctx, batch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	for i, p := range batch {
		to := Labelled{Name: p.row.Name, ID: p.row.ID, Payload: p.row.Payload}
		if err := s.emit(to, vectors[i]); err != nil {
			return err
		}
		s.done()
	}
	return nil
}
