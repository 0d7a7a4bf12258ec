package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"engram/httpapi"
	"engram/index"
)

// madeSubject is a subject whose decoder a job made. It is closed when another job has made a
// better one; requests and reconstructions under way end first, and later ones of the old subject
// are refused.
type madeSubject struct {
	subject httpapi.Subject
	decoder decoderInUse
	models  []httpapi.Model
	opened  []io.Closer

	mu     sync.RWMutex // held by requests and jobs that use the decoder
	closed bool
}

// open opens a subject whose decoder a job made.
func (w *workspace) open(ctx context.Context, spec SubjectSpec) (*madeSubject, error) {
	opening := *w.opening
	opening.decoders = new(decodersInUse) // served by nobody yet
	opening.service = &Service{log: w.app.opts.Logger, encoder: w.opening.service.encoder, batches: w.opening.service.batches}
	subject, err := opening.open(ctx, spec, Shown{}, nil)
	made := &madeSubject{subject: subject, models: opening.service.models, opened: opening.service.opened}
	if err != nil {
		return nil, errors.Join(err, made.Close())
	}
	made.decoder, _ = opening.decoders.of(spec.ID)
	made.decoder.use = made.use
	d := subject.Decoder
	decode, predict := d.Decode, d.Predict
	d.Decode = func(ctx context.Context, repeats [][]float32) (vector []float32, err error) {
		err = made.use(func() error { vector, err = decode(ctx, repeats); return err })
		return vector, err
	}
	if predict != nil {
		d.Predict = func(ctx context.Context, scans [][][]float32) (rankers []httpapi.ScanRanker, err error) {
			err = made.use(func() error { rankers, err = predict(ctx, scans); return err })
			for i, rank := range rankers {
				rankers[i] = func(ctx context.Context, q httpapi.ScanQuery) (found *httpapi.ScanRanking, err error) {
					err = made.use(func() error { found, err = rank(ctx, q); return err })
					return found, err
				}
			}
			return rankers, err
		}
	}
	return made, nil
}

// use uses the decoder unless it is closed.
func (m *madeSubject) use(do func() error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return index.ErrClosed // another decoder has its place: the client comes again
	}
	return do()
}

// Close closes the decoder once nobody uses it.
func (m *madeSubject) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	var faults error
	for _, c := range slices.Backward(m.opened) {
		faults = errors.Join(faults, c.Close())
	}
	m.opened = nil
	return faults
}
