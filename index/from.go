package index

import (
	"context"
	"iter"
)

// Ranged is a Store that begins an iteration at an id without reading the items
// before it.
type Ranged interface {
	Store

	// AllFrom is All for the items whose ids are from or larger.
	AllFrom(ctx context.Context, from ID) iter.Seq2[Item, error]
}

// AllFrom yields the items of any store whose ids are from or larger (see Ranged).
func AllFrom(ctx context.Context, s Store, from ID) iter.Seq2[Item, error] {
	if r, ok := s.(Ranged); ok {
		return r.AllFrom(ctx, from)
	}
	return func(yield func(Item, error) bool) {
		for item, err := range s.All(ctx) {
			if (err != nil || item.ID >= from) && !yield(item, err) {
				return
			}
		}
	}
}
