package copyindex

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"engram/index"
)

// pair is what two stores have under one id, nil where a store has nothing.
type pair struct {
	source, target *index.Item
	tokens         *tokenPair // of an item that both have, where tokens are compared
}

// join yields every id of two stores once, in ascending order.
//
// Whoever writes to the target up to the id that was yielded last, and not
// beyond, does not disturb the iteration, even where an engine reads a page at
// a time and so sees what was written since.
func join(ctx context.Context, from, to index.Store) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		source, target := newCursor(from.All(ctx)), newCursor(to.All(ctx))
		defer source.stop()
		defer target.stop()
		for {
			if err := errors.Join(source.err, target.err); err != nil {
				yield(pair{}, err)
				return
			}
			var p pair
			if source.item != nil && (target.item == nil || source.item.ID <= target.item.ID) {
				p.source = source.item
			}
			if target.item != nil && (source.item == nil || target.item.ID <= source.item.ID) {
				p.target = target.item
			}
			if p == (pair{}) || !yield(p, nil) {
				return
			}
			if p.source != nil {
				source.advance()
			}
			if p.target != nil {
				target.advance()
			}
		}
	}
}

// cursor is a place among the items of a store.
type cursor struct {
	item *index.Item // nil at the end and after an error
	err  error
	next func() (index.Item, error, bool)
	stop func()
}

func newCursor(all iter.Seq2[index.Item, error]) *cursor {
	c := &cursor{}
	c.next, c.stop = iter.Pull2(all)
	c.advance()
	return c
}

// advance goes to the next item, which must have a higher id.
func (c *cursor) advance() {
	before := c.item
	item, err, more := c.next()
	switch {
	case !more:
		c.item = nil
	case err != nil:
		c.item, c.err = nil, err
	case before != nil && item.ID <= before.ID:
		c.item, c.err = nil, fmt.Errorf("item %d comes after item %d, wanted ascending ids: %w", item.ID, before.ID, index.ErrCorrupt)
	default:
		c.item = &item
	}
}
