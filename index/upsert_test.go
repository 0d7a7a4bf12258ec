package index_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"engram/index"
)

// picky is a store that refuses calls with some ids and breaks at another one.
type picky struct {
	index.Store
	refused []index.ID
	broken  index.ID
	took    []index.ID
	calls   int
}

var errBroken = errors.New("broken")

func (p *picky) Upsert(_ context.Context, items []index.Item) error {
	p.calls++
	for _, item := range items {
		if slices.Contains(p.refused, item.ID) {
			return fmt.Errorf("item %d: %w", item.ID, index.ErrVector)
		}
		if p.broken != 0 && item.ID == p.broken {
			return errBroken
		}
	}
	for _, item := range items {
		p.took = append(p.took, item.ID)
	}
	return nil
}

func TestUpsertAccepted(t *testing.T) {
	items := make([]index.Item, 100)
	var ids []index.ID
	for i := range items {
		items[i].ID = index.ID(i + 1)
		ids = append(ids, items[i].ID)
	}
	for _, refused := range [][]index.ID{nil, {1}, {100}, {37, 38, 90}, ids} {
		store := &picky{refused: refused}
		var took, left []index.ID
		err := index.UpsertAccepted(t.Context(), store, items, func(lo, hi int, err error) {
			switch {
			case err == nil:
				took = append(took, ids[lo:hi]...)
			case hi != lo+1 || err.Error() != fmt.Sprintf("item %d: unusable vector", lo+1):
				t.Errorf("items %d to %d are refused: %v, want one by its own error", lo, hi, err)
			default:
				left = append(left, ids[lo])
			}
		})
		if err != nil || !slices.Equal(left, refused) || !slices.Equal(took, store.took) || len(took)+len(left) != 100 {
			t.Errorf("refusing %v: %v left out, %d told of %d taken, error %v", refused, left, len(took), len(store.took), err)
		}
		if most := 1 + 14*len(refused); store.calls > most {
			t.Errorf("refusing %v took %d calls, want at most %d", refused, store.calls, most)
		}
	}
	store := &picky{refused: []index.ID{10}, broken: 60}
	n := 0
	err := index.UpsertAccepted(t.Context(), store, items, func(lo, hi int, _ error) { n += hi - lo })
	if !errors.Is(err, errBroken) || n != len(store.took)+1 {
		t.Errorf("broken store: error %v after %d items, want errBroken after %d", err, n, len(store.took)+1)
	}
	if err := index.UpsertAccepted(t.Context(), nil, nil, nil); err != nil {
		t.Errorf("no items: %v", err)
	}
}
