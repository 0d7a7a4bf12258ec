package source

import (
	"context"
	"iter"

	"engram/index"
)

// Found is a row of a source that an item was made from.
type Found struct {
	Item int // number of the item in the list
	Row  Row // valid until the next iteration
	// Changed: the row has another image now, by size, time or checksum.
	Changed bool
}

// Find looks in shards for the rows that items were made from. It reads the
// shards that the items name, each once and no further than the last row wanted.
// Rows that are gone or out of reach in a damaged shard are left out. The only
// error is ctx.Err().
func Find(ctx context.Context, shards []Shard, items []index.Item) iter.Seq2[Found, error] {
	wanted := map[string]map[index.ID]int{} // shard → id → number in items
	for i, item := range items {
		name := ShardOf(item.Payload)
		if wanted[name] == nil {
			wanted[name] = map[index.ID]int{}
		}
		wanted[name][item.ID] = i
	}
	return func(yield func(Found, error) bool) {
		for i := range shards {
			if ids := wanted[shards[i].Name]; len(ids) > 0 && !find(ctx, &shards[i], ids, items, yield) {
				return
			}
		}
	}
}

// find looks in one shard and reports whether to go on.
func find(ctx context.Context, s *Shard, wanted map[index.ID]int, items []index.Item, yield func(Found, error) bool) bool {
	left := len(wanted)
	for rows, err := range s.Read(ctx, 0) {
		if ctx.Err() != nil {
			yield(Found{}, ctx.Err())
			return false
		}
		if err != nil {
			return true
		}
		for _, row := range rows {
			i, found := wanted[row.ID]
			if !found || row.Err != nil {
				continue
			}
			old := items[i].Payload
			changed := old[index.KeySize] != nil && !SameImage(old, row.Payload)
			if !yield(Found{i, row, changed}, nil) {
				return false
			}
			left--
		}
		if left == 0 {
			break
		}
	}
	return true
}
