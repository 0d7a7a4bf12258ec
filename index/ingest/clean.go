package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"engram/index"
	"engram/index/source"
)

const (
	// maxCleaned bounds the rows whose ids are in memory while a store is looked
	// through for rows that are gone: 128 MiB.
	maxCleaned = 16 << 20
	// deletes is how many items one call deletes at most.
	deletes = 4096
)

// clean deletes the items of changed shards whose rows are gone, and, with Prune,
// all items of shards that are gone. It looks through the whole store, once for
// every 16 million rows of changed shards, and not at all where no shard has
// changed or is gone.
//
// The items of a damaged shard stay: a row that cannot be reached may still be
// there.
func (j Job) clean(ctx context.Context, p *plan, report *Report) error {
	c := cleaning{store: j.Store, where: j.Where, prune: j.Prune, report: report}
	var stale []*state
	labels := j.Labels
	if labels == nil {
		labels = []string{""}
	}
	c.gone = map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(j.Ledger.shards)) {
		s := j.Ledger.shards[name]
		switch {
		case p.shards[name] == nil && !slices.Contains(labels, source.LabelOf(name)):
			// of another source of the index, which this job is not about
		case p.shards[name] == nil:
			c.gone[name] = true
		case s.Stale && s.Done && s.Damaged == "":
			stale = append(stale, s)
		}
	}
	for len(stale) > 0 || len(c.gone) > 0 {
		n := 0
		c.ids, c.current = c.ids[:0], map[string]bool{}
		for ; n < len(stale) && (n == 0 || len(c.ids)+stale[n].Next <= maxCleaned); n++ {
			if err := c.collect(ctx, p.shards[stale[n].Name], stale[n]); err != nil {
				return err
			}
		}
		if err := c.sweep(ctx); err != nil {
			return err
		}
		if err := j.Ledger.append(c.entries(stale[:n])...); err != nil {
			return err
		}
		stale = stale[n:]
		clear(c.gone)
	}
	return nil
}

// cleaning is one pass over the store.
type cleaning struct {
	store   index.Store
	where   index.Filter
	prune   bool
	report  *Report
	gone    map[string]bool // shards that the source has no longer
	current map[string]bool // changed shards of this pass
	ids     []index.ID      // of their rows, ascending
}

// entries record that the store has no stale items of some shards, and, with
// prune, no items of shards that are gone.
func (c *cleaning) entries(clean []*state) []entry {
	var entries []entry
	for _, s := range clean {
		r := s.record
		r.From, r.Stale, r.counts = r.Next, false, counts{}
		entries = append(entries, entry{Shard: &r})
	}
	if c.prune {
		for name := range c.gone {
			entries = append(entries, entry{Shard: &record{Name: name, Gone: true}})
		}
	}
	return entries
}

// collect adds the ids of the good rows of a shard.
func (c *cleaning) collect(ctx context.Context, shard *source.Shard, s *state) error {
	c.current[s.Name] = true
	n := 0
	for rows, err := range shard.Read(ctx, 0) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s, which could be read before: %w", s.Name, err)
		}
		for i := range rows {
			_, bad := slices.BinarySearch(s.bad, n)
			if !bad && (c.where == nil || c.where.Match(rows[i].Payload)) {
				c.ids = append(c.ids, rows[i].ID)
			}
			n++
		}
	}
	return nil
}

// sweep looks at every item of the store and deletes the ones that are gone.
func (c *cleaning) sweep(ctx context.Context) error {
	slices.Sort(c.ids)
	var gone []index.ID
	remove := func() error {
		n, err := c.store.Delete(ctx, gone)
		c.report.Deleted += n
		gone = gone[:0]
		return err
	}
	for item, err := range c.store.All(ctx) {
		if err != nil {
			return err
		}
		shard := source.ShardOf(item.Payload)
		_, there := slices.BinarySearch(c.ids, item.ID)
		switch {
		case c.gone[shard]:
		case c.current[shard] && !there:
		default:
			continue
		}
		c.report.Gone++
		c.report.GoneNames = appendListed(c.report.GoneNames, source.NameOf(item))
		if c.gone[shard] && !c.prune {
			continue
		}
		if gone = append(gone, item.ID); len(gone) == deletes {
			if err := remove(); err != nil {
				return err
			}
		}
	}
	if err := remove(); err != nil {
		return err
	}
	return c.store.Flush(ctx)
}
