package ingest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"engram/index"
	"engram/index/source"
)

const (
	// maxReaders is how many shards are read at a time.
	maxReaders = 4
	// batchBytes is the size of the images from which on a batch is not waited to
	// be full.
	batchBytes = 32 << 20
)

// pipeline takes the rows of shards into the store. Its stages run at the same
// time and hand rows on by channels:
//
//	read ──► decode ──► gather ──► encode ──► put
//	  └────────── rows that have a vector ─────┘
//
// put tells the recorder what became of the rows, which writes it into the
// ledger. In memory are some rows for each reader, an image for each decoder, a
// batch that is gathered and one for each encoder.
type pipeline struct {
	encoder  Encoder
	store    index.Store
	where    index.Filter
	batch    int        // most images of one
	encoders int        // batches that are encoded at a time
	info     index.Info // of the store
	filled   bool       // the store may have some of the rows
	recorder *recorder

	encoding stopwatch
	busy     atomic.Int32  // batches that are being encoded
	idle     chan struct{} // says that busy may have become 0
}

// run takes the rows of shards into the store, and records what became of them
// every so often.
func (p *pipeline) run(ctx context.Context, todo []*reading, checkpoint time.Duration) error {
	p.idle = make(chan struct{}, 1)
	shards, images, decoded := make(chan *reading), make(chan row), make(chan row)
	batches, done := make(chan []row), make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	stage(group, 1, func() error { return send(ctx, shards, todo...) }, func() { close(shards) })
	stage(group, min(maxReaders, runtime.GOMAXPROCS(0)),
		func() error { return p.read(ctx, shards, images) }, func() { close(images) })
	stage(group, runtime.GOMAXPROCS(0),
		func() error { return p.decode(ctx, images, decoded) }, func() { close(decoded) })
	stage(group, 1, func() error { return p.gather(ctx, decoded, batches) }, func() { close(batches) })
	stage(group, p.encoders, func() error { return p.encode(ctx, batches) }, func() { close(done) })
	group.Go(func() error { return p.recorder.keep(ctx, checkpoint, done) })
	return group.Wait()
}

// stage runs n goroutines, and finish after the last of them.
func stage(group *errgroup.Group, n int, work func() error, finish func()) {
	var running sync.WaitGroup
	running.Add(n)
	for range n {
		group.Go(func() error {
			defer running.Done()
			return work()
		})
	}
	group.Go(func() error {
		running.Wait()
		finish()
		return nil
	})
}

// send puts values into a channel unless ctx ends first.
func send[T any](ctx context.Context, to chan<- T, values ...T) error {
	for _, v := range values {
		select {
		case to <- v:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// notify leaves a note in a channel with room for one, unless there is one.
func notify(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// read is one reader: it puts rows that have a vector, and sends images on.
func (p *pipeline) read(ctx context.Context, shards <-chan *reading, images chan<- row) error {
	for shard := range shards {
		p.recorder.begin(shard)
		n, damage, err := p.readShard(ctx, shard, images)
		if err != nil {
			return err
		}
		p.recorder.end(shard, n, damage)
	}
	return nil
}

// readShard reads a shard from where it was left off. It returns how many rows
// the shard has, and the damage that keeps it from reading more.
func (p *pipeline) readShard(ctx context.Context, shard *reading, images chan<- row) (n int, damage, err error) {
	n = shard.from
	var rows []row
	for found, failed := range shard.Read(ctx, shard.from) {
		if failed == nil {
			found, failed = p.fitting(found, n)
		}
		rows = rows[:0]
		for i := range found {
			rows = append(rows, row{Row: found[i], shard: shard, n: n + i})
		}
		if err := p.take(ctx, rows, images); err != nil {
			return n, nil, err
		}
		n += len(rows)
		if damage = failed; damage != nil {
			break
		}
	}
	return n, damage, ctx.Err() // an interrupt is not the shard's damage
}

// fitting returns the rows up to the first vector that does not fit the store,
// which is the end of what can be used of a shard.
func (p *pipeline) fitting(rows []source.Row, first int) ([]source.Row, error) {
	for i := range rows {
		if v := rows[i].Vector; v != nil && len(v) != p.info.Dim {
			return rows[:i], fmt.Errorf("row %d has a vector of %d elements, the index has %d: %w",
				first+i, len(v), p.info.Dim, index.ErrDimension)
		}
	}
	return rows, nil
}

// take puts the rows that need no encoder, and sends the others to it.
func (p *pipeline) take(ctx context.Context, rows []row, images chan<- row) error {
	for i := range rows {
		rows[i].assess(p.where)
	}
	if err := p.recognise(ctx, rows); err != nil {
		return err
	}
	if err := p.put(ctx, rows); err != nil {
		return err
	}
	for i := range rows {
		if rows[i].outcome != waiting {
			continue
		}
		if p.encoder == nil {
			return fmt.Errorf("%s is an image, and there is no encoder", rows[i].Name)
		}
		if err := send(ctx, images, rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// recognise finds the images that the store has as they are. One whose payload
// alone has changed keeps its vector.
func (p *pipeline) recognise(ctx context.Context, rows []row) error {
	if !p.filled {
		return nil
	}
	var ids []index.ID
	for i := range rows {
		if rows[i].outcome == waiting {
			ids = append(ids, rows[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	items, err := p.store.Get(ctx, ids)
	if err != nil {
		return err
	}
	old := make(map[index.ID]index.Item, len(items))
	for _, item := range items {
		old[item.ID] = item
	}
	for i := range rows {
		r := &rows[i]
		item, found := old[r.ID]
		switch {
		case r.outcome != waiting || !found || !source.SameImage(item.Payload, r.Payload):
		case reflect.DeepEqual(item.Payload, r.Payload):
			r.outcome = unchanged
		default:
			r.outcome, r.Vector = stored, item.Vector
			if err := p.keepTokens(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepTokens gives a row whose payload alone has changed the tokens that it has.
func (p *pipeline) keepTokens(ctx context.Context, r *row) error {
	store, ok := p.store.(index.TokenStore)
	if !ok || !p.info.Tokens.Kept() {
		return nil
	}
	tokens, err := store.Tokens(ctx, []index.ID{r.ID})
	if err != nil {
		return err
	}
	r.tokens = tokens[0]
	return nil
}

// decode is one decoder.
func (p *pipeline) decode(ctx context.Context, images <-chan row, decoded chan<- row) error {
	for r := range images {
		if err := r.decode(ctx, p.encoder); err != nil {
			if ctx.Err() != nil {
				return ctx.Err() // the row is not to blame
			}
			r.spoil(err)
			p.recorder.settle([]row{r})
			continue
		}
		if r.input.Incomplete() {
			p.recorder.incomplete(r.Name)
		}
		if err := send(ctx, decoded, r); err != nil {
			return err
		}
	}
	return nil
}

// gather puts images together into batches. A batch is full with the image that
// takes it to the size of one or to batchBytes. One that is not goes out while
// no other is being encoded, so that the encoder never waits for more than an
// image, and batches are as large as it is slow.
func (p *pipeline) gather(ctx context.Context, decoded <-chan row, batches chan<- []row) error {
	var batch []row
	size := 0
	for decoded != nil || len(batch) > 0 {
		full := len(batch) == p.batch || size >= batchBytes
		from, to := decoded, batches
		if full {
			from = nil
		}
		if len(batch) == 0 || !full && decoded != nil && p.busy.Load() > 0 {
			to = nil
		}
		select {
		case image, more := <-from:
			if !more {
				decoded = nil
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
func (p *pipeline) encode(ctx context.Context, batches <-chan []row) error {
	for batch := range batches {
		p.busy.Add(1)
		err := p.encodeBatch(ctx, batch)
		p.busy.Add(-1)
		notify(p.idle)
		if err != nil {
			return err
		}
		if err := p.put(ctx, batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// encodeBatch gives rows their vectors. Where one of the images spoils the batch
// they are encoded one by one.
func (p *pipeline) encodeBatch(ctx context.Context, rows []row) error {
	inputs := make([]Input, len(rows))
	for i := range rows {
		inputs[i] = rows[i].input
	}
	p.encoding.start()
	vectors, tokens, err := p.infer(ctx, inputs)
	p.encoding.stop()
	switch {
	case errors.Is(err, ErrImage) && len(rows) == 1:
		rows[0].spoil(err)
		return nil
	case errors.Is(err, ErrImage):
		for i := range rows {
			if err := p.encodeBatch(ctx, rows[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	for i := range rows {
		rows[i].outcome, rows[i].Vector, rows[i].input = encoded, vectors[i], nil
		if tokens == nil {
			continue
		}
		if rows[i].tokens, err = p.info.Tokens.Encode(nil, tokens[i]); err != nil {
			rows[i].spoil(err)
		}
	}
	return nil
}

// infer runs the encoder, for tokens too where the store keeps them.
func (p *pipeline) infer(ctx context.Context, inputs []Input) (vectors, tokens [][]float32, err error) {
	if !p.info.Tokens.Kept() {
		vectors, err = p.encoder.Encode(ctx, inputs)
		return vectors, nil, err
	}
	encoder, ok := p.encoder.(TokenEncoder)
	if !ok {
		return nil, nil, fmt.Errorf("the index keeps %s, and the encoder gives none: %w", p.info.Tokens, index.ErrTokens)
	}
	return encoder.EncodeTokens(ctx, inputs)
}

// put stores the rows that have a vector to be stored, and settles all but the
// waiting ones. A row that the store refuses is unusable.
func (p *pipeline) put(ctx context.Context, rows []row) error {
	items := make([]index.Item, 0, len(rows))
	from := make([]*row, 0, len(rows)) // of each item
	for i := range rows {
		if r := &rows[i]; r.outcome.stores() {
			items = append(items, index.Item{ID: r.ID, Vector: r.Vector, Payload: r.Payload, Tokens: r.tokens})
			from = append(from, r)
		}
	}
	err := index.UpsertAccepted(ctx, p.store, items, func(lo, _ int, refused error) {
		if refused != nil {
			from[lo].spoil(refused)
		}
	})
	if err != nil {
		return err
	}
	p.recorder.settle(rows)
	return nil
}
