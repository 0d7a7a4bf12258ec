package ingest

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"

	"engram/index"
	"engram/index/source"
)

// read is one reader.
func (p *pipeline) read(ctx context.Context, shards <-chan *reading, images chan<- work) error {
	for r := range shards {
		p.mu.Lock()
		p.active = append(p.active, r)
		p.mu.Unlock()
		if err := p.readShard(ctx, r, images); err != nil {
			return err
		}
	}
	return nil
}

// readShard reads a shard from where it was left off.
func (p *pipeline) readShard(ctx context.Context, r *reading, images chan<- work) error {
	n := r.from
	var damage error
	for rows, err := range r.Read(ctx, r.from) {
		if err == nil {
			rows, err = p.ofDim(rows, n)
		}
		if sent := p.dispatch(ctx, r, n, rows, images); sent != nil {
			return sent
		}
		n += len(rows)
		if damage = err; damage != nil {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return err // which is not the shard's fault
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.total = n
	if damage != nil {
		r.damaged = damage.Error()
	}
	p.ahead.read(r)
	return nil
}

// ofDim returns the rows up to the first vector that does not fit the store,
// which is the end of what can be used of a shard.
func (p *pipeline) ofDim(rows []source.Row, first int) ([]source.Row, error) {
	for i := range rows {
		if v := rows[i].Vector; v != nil && len(v) != p.dim {
			return rows[:i], fmt.Errorf("row %d has a vector of %d elements, the index has %d: %w",
				first+i, len(v), p.dim, index.ErrDimension)
		}
	}
	return rows, nil
}

// dispatch stores those of rows, whose numbers begin with first, that are
// vectors, and sends the images that have to be encoded on their way.
func (p *pipeline) dispatch(ctx context.Context, r *reading, first int, rows []source.Row, images chan<- work) error {
	s := sorted{vectors: newBatch(len(rows))}
	for i := range rows {
		s.sort(work{r, first + i, rows[i]}, p.job.Where)
	}
	if err := p.lookUp(ctx, &s); err != nil {
		return err
	}
	p.settle(s.settled)
	if err := p.store(ctx, s.vectors); err != nil {
		return err
	}
	for _, w := range s.images {
		if p.job.Encoder == nil {
			return fmt.Errorf("%s is an image, and there is no encoder", w.row.Name)
		}
		if err := send(ctx, images, w); err != nil {
			return err
		}
	}
	return nil
}

// sorted is rows by what is to be done with them.
type sorted struct {
	settled []outcome // nothing
	vectors batch
	images  []work
}

// unitTolerance is how far the length of a vector may be from 1 where it counts
// as a unit vector. Rounding each element to half precision moves it by 2^-11 at
// most.
const unitTolerance = 1. / (1 << 10)

// sort adds a row.
func (s *sorted) sort(w work, where index.Filter) {
	switch {
	case !w.wants(w.n):
		s.settled = append(s.settled, outcome{work: w})
	case w.row.Err != nil:
		s.settled = append(s.settled, unusable(w, w.row.Err))
	case where != nil && !where.Match(w.row.Payload):
		s.settled = append(s.settled, outcome{work: w, counts: counts{Excluded: 1}})
	case w.row.Vector == nil:
		s.images = append(s.images, w)
	case math.Abs(w.row.Norm-1) > unitTolerance:
		s.vectors.add(w, w.row.Vector, counts{Stored: 1, Rescaled: 1})
	default:
		s.vectors.add(w, w.row.Vector, counts{Stored: 1})
	}
}

// lookUp takes out of the images those that the store has as they are, and
// those whose payload alone has changed: they keep the vector that they have.
func (p *pipeline) lookUp(ctx context.Context, s *sorted) error {
	if !p.lookup || len(s.images) == 0 {
		return nil
	}
	ids := make([]index.ID, len(s.images))
	for i, w := range s.images {
		ids[i] = w.row.ID
	}
	items, err := p.job.Store.Get(ctx, ids)
	if err != nil {
		return err
	}
	old := make(map[index.ID]index.Item, len(items))
	for _, item := range items {
		old[item.ID] = item
	}
	s.images = slices.DeleteFunc(s.images, func(w work) bool {
		item, found := old[w.row.ID]
		switch {
		case !found || !source.SameImage(item.Payload, w.row.Payload):
			return false
		case reflect.DeepEqual(item.Payload, w.row.Payload):
			s.settled = append(s.settled, outcome{work: w, counts: counts{Unchanged: 1}})
		default:
			s.vectors.add(w, item.Vector, counts{Stored: 1})
		}
		return true
	})
	return nil
}

// batch is rows with their vectors, to be stored by one call.
type batch struct {
	items    []index.Item
	outcomes []outcome
}

func newBatch(rows int) batch {
	return batch{make([]index.Item, 0, rows), make([]outcome, 0, rows)}
}

func (b *batch) add(w work, vector []float32, c counts) {
	b.items = append(b.items, index.Item{ID: w.row.ID, Vector: vector, Payload: w.row.Payload})
	b.outcomes = append(b.outcomes, outcome{work: w, counts: c})
}

// store puts rows into the store. Where it refuses them it gets them one by
// one, and those that it refuses again are bad.
func (p *pipeline) store(ctx context.Context, b batch) error {
	if len(b.items) == 0 {
		return nil
	}
	err := p.job.Store.Upsert(ctx, b.items)
	if index.Refused(err) {
		for i := range b.items {
			err := p.job.Store.Upsert(ctx, b.items[i:i+1])
			if index.Refused(err) {
				b.outcomes[i] = unusable(b.outcomes[i].work, err)
			} else if err != nil {
				return err
			}
		}
		err = nil
	}
	if err != nil {
		return err
	}
	p.settle(b.outcomes)
	return nil
}
