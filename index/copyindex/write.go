package copyindex

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"engram/index"
)

// batch is what one goroutine writes.
type batch struct {
	items []index.Item
	added []bool // of items, whether they are new; the others are changed
	extra []index.ID
}

// load writes, in bulk where that is worth it. It ends a bulk load in any case: an
// earlier copy may have been broken off before its end.
func (c *copying) load(ctx context.Context) (*comparison, error) {
	bulk, ok := c.to.(index.Bulk)
	if !ok {
		return c.write(ctx)
	}
	if 2*c.before < c.total {
		if err := bulk.BeginBulk(ctx); err != nil {
			return nil, err
		}
	}
	seen, err := c.write(ctx)
	if err != nil {
		return nil, err
	}
	return seen, bulk.EndBulk(ctx, c.Progress)
}

// write brings the target in line and returns how it differed.
func (c *copying) write(ctx context.Context) (*comparison, error) {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(c.InFlight)
	seen := newComparison(c.Tolerance, c.tokens)
	err := c.read(inner, seen, func(b batch) {
		group.Go(func() error { return c.apply(inner, b) }) // waits for a free place
	})
	// A write that fails ends the reading, so its error is the cause.
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	c.report.Items, c.report.Extra = seen.items, seen.extra
	c.report.Unchanged = seen.items - seen.missing - seen.changed
	slices.SortFunc(c.report.Refusals, func(a, b Refusal) int { return cmp.Compare(a.ID, b.ID) })
	return seen, err
}

// read reads both stores and hands out what has to be written.
func (c *copying) read(ctx context.Context, seen *comparison, write func(batch)) error {
	var b batch
	for p, err := range c.tokens.attach(ctx, join(ctx, c.from, c.to)) {
		if err != nil {
			return err
		}
		differs := seen.add(p)
		switch {
		case differs:
			b.items, b.added = append(b.items, *p.source), append(b.added, p.target == nil)
		case p.source == nil && c.Prune:
			b.extra = append(b.extra, p.target.ID)
		}
		if len(b.items) == c.Batch || len(b.extra) == c.Batch {
			write(b)
			b = batch{}
		}
		if p.source != nil {
			c.progress(Copying, seen.items)
		}
	}
	write(b)
	return nil
}

// apply writes a batch.
func (c *copying) apply(ctx context.Context, b batch) error {
	if err := c.put(ctx, b.items, b.added); err != nil || len(b.extra) == 0 {
		return err
	}
	pruned, err := c.to.Delete(ctx, b.extra)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Pruned += pruned
	return err
}

// put writes items and counts them.
func (c *copying) put(ctx context.Context, items []index.Item, added []bool) error {
	if err := c.tokens.fill(ctx, items); err != nil {
		return err
	}
	return index.UpsertAccepted(ctx, c.to, items, func(lo, hi int, refused error) {
		if refused != nil {
			c.refuse(items[lo], refused)
		} else {
			c.count(added[lo:hi])
		}
	})
}

// count counts items that were written.
func (c *copying) count(added []bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, isNew := range added {
		if isNew {
			c.report.Added++
		} else {
			c.report.Changed++
		}
	}
}

// maxRefusals bounds the list of a Report.
const maxRefusals = 1000

// refuse notes an item that the target does not take.
func (c *copying) refuse(item index.Item, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Refused++
	c.refused[item.ID] = true
	if len(c.report.Refusals) < maxRefusals {
		c.report.Refusals = append(c.report.Refusals, Refusal{item.ID, item.Payload, err.Error()})
	}
}
