package transfer

import (
	"context"

	"golang.org/x/sync/errgroup"

	"engram/index"
)

// batch is what one goroutine writes.
type batch struct {
	items []index.Item
	added int // of items; the others are changed
	extra []index.ID
}

// load writes, in bulk where that is worth it. The end of a load is asked for
// in any case: an earlier copy may have been broken off before it.
func (c *copying) load(ctx context.Context) (Difference, error) {
	bulk, ok := c.to.(index.Bulk)
	if !ok {
		return c.write(ctx)
	}
	if 2*c.before < c.total {
		if err := bulk.BeginBulk(ctx); err != nil {
			return Difference{}, err
		}
	}
	d, err := c.write(ctx)
	if err != nil {
		return d, err
	}
	return d, bulk.EndBulk(ctx, func(done, total int) {
		if c.Progress != nil {
			c.Progress(Indexing, done, total)
		}
	})
}

// write brings the target in line and returns how it differed.
func (c *copying) write(ctx context.Context) (Difference, error) {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(c.InFlight)
	seen := newComparison(c.Tolerance)
	err := c.read(inner, seen, func(b batch) {
		group.Go(func() error { return c.apply(inner, b) }) // waits for a free place
	})
	// A write that fails ends the reading, so its error is the cause.
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	c.report.Items, c.report.Extra = seen.Items, seen.Extra
	c.report.Unchanged = seen.Items - seen.Missing - seen.Changed
	return seen.difference(), err
}

// read reads both stores and hands out what has to be written.
func (c *copying) read(ctx context.Context, seen *comparison, write func(batch)) error {
	var b batch
	for p, err := range join(ctx, c.from, c.to) {
		if err != nil {
			return err
		}
		switch differs := seen.add(p); {
		case differs:
			b.items = append(b.items, *p.source)
			if p.target == nil {
				b.added++
			}
		case p.source == nil && c.Prune:
			b.extra = append(b.extra, p.target.ID)
		}
		if len(b.items) == c.Batch || len(b.extra) == c.Batch {
			write(b)
			b = batch{}
		}
		if p.source != nil {
			c.progress(Copying, seen.Items)
		}
	}
	write(b)
	return nil
}

// apply writes a batch and counts it.
func (c *copying) apply(ctx context.Context, b batch) error {
	if len(b.items) > 0 {
		if err := c.to.Upsert(ctx, b.items); err != nil {
			return err
		}
	}
	pruned := 0
	if len(b.extra) > 0 {
		var err error
		if pruned, err = c.to.Delete(ctx, b.extra); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Added += b.added
	c.report.Changed += len(b.items) - b.added
	c.report.Pruned += pruned
	return nil
}
