package index

import "context"

// UpsertAccepted upserts items and passes over the ones that the store refuses
// (see Refused). A store refuses a call as a whole, so each half of a refused
// call is tried alone, until the refused items are: about 2·log2(len(items))
// calls more for each.
//
// settled is told what became of items[lo:hi]: that they are in the store, or,
// of a single item, why it is not. Any other error ends it.
func UpsertAccepted(ctx context.Context, store Store, items []Item, settled func(lo, hi int, refused error)) error {
	if len(items) == 0 {
		return nil
	}
	err := store.Upsert(ctx, items)
	if err == nil {
		settled(0, len(items), nil)
		return nil
	}
	if !Refused(err) {
		return err
	}
	if len(items) == 1 {
		settled(0, 1, err)
		return nil
	}
	half := len(items) / 2
	if err := UpsertAccepted(ctx, store, items[:half], settled); err != nil {
		return err
	}
	return UpsertAccepted(ctx, store, items[half:], func(lo, hi int, refused error) {
		settled(half+lo, half+hi, refused)
	})
}
