package twostage

import (
	"context"

	"engram/index"

	"gonum.org/v1/gonum/blas/blas32"
)

// Source gives the tokens of items. It is safe for concurrent use.
type Source interface {
	// Read writes the tokens of the items with these ids, [T·D] each, into the rows of
	// dst. It returns which of them it has found; the rows of the others are undefined.
	Read(ctx context.Context, ids []index.ID, dst blas32.General) (found []bool, err error)
}

// Kept reads the tokens that an index keeps.
type Kept struct {
	Store  index.TokenStore
	Format index.TokenFormat
}

// Read implements Source.
func (k Kept) Read(ctx context.Context, ids []index.ID, dst blas32.General) ([]bool, error) {
	stored, err := k.Store.Tokens(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make([]bool, len(ids))
	for i, b := range stored {
		if found[i] = b != nil; !found[i] {
			continue
		}
		if err := k.Format.Decode(dst.Data[i*dst.Stride:][:dst.Cols], b); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Vectors takes the vector of an item for its one token, as models of one token have
// it.
type Vectors struct{ Store index.Store }

// Read implements Source.
func (v Vectors) Read(ctx context.Context, ids []index.ID, dst blas32.General) ([]bool, error) {
	items, err := v.Store.Get(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make([]bool, len(ids))
	for i, at := 0, 0; i < len(ids) && at < len(items); i++ {
		if items[at].ID != ids[i] {
			continue // it is not there
		}
		found[i] = true
		copy(dst.Data[i*dst.Stride:][:dst.Cols], items[at].Vector)
		at++
	}
	return found, nil
}
