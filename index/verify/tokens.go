package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"engram/index"
)

// tokens compares the tokens of the sampled items with their vectors. A store that
// keeps none has no such check.
func (v *verification) tokens(ctx context.Context) error {
	format := v.info.Tokens
	store, ok := v.store.(index.TokenStore)
	if !format.Kept() || !ok {
		return nil
	}
	var f fault
	// Many at a time, and the ones of a damaged block one by one.
	for part := range slices.Chunk(v.sample, max(1, min(256, tokenBytes/format.Size()))) {
		if err := v.tokensOf(ctx, store, part, &f); err != nil {
			return err
		}
	}
	v.check("tokens", f, "%s, of %d sampled items", format, len(v.sample))
	return nil
}

// tokenBytes bounds the tokens that are read at a time.
const tokenBytes = 16 << 20

// tokensOf compares the tokens of items with their vectors.
func (v *verification) tokensOf(ctx context.Context, store index.TokenStore, items []index.Item, f *fault) error {
	ids := make([]index.ID, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	stored, err := store.Tokens(ctx, ids)
	switch {
	case errors.Is(err, index.ErrCorrupt) && len(items) > 1:
		for i := range items {
			if err := v.tokensOf(ctx, store, items[i:i+1], f); err != nil {
				return err
			}
		}
		return nil
	case errors.Is(err, index.ErrCorrupt):
		f.add("item %d: %v", ids[0], err)
		return nil
	case err != nil:
		return err
	}
	format := v.info.Tokens
	values := make([]float32, format.Elements())
	for i, item := range items {
		if stored[i] == nil {
			f.add("item %d has none", item.ID)
		} else if err := format.Decode(values, stored[i]); err != nil {
			f.add("item %d: %v", item.ID, err)
		} else if problem := tokensProblem(values[:format.Dim], item.Vector); problem != "" {
			f.add("item %d %s", item.ID, problem)
		}
	}
	return nil
}

// tokensProblem says how the first token differs from the vector, which is its
// direction, "" where it does not. Tokens of another size cannot be compared.
func tokensProblem(first, vector []float32) string {
	if len(first) != len(vector) {
		return ""
	}
	var product, square float64
	for i, x := range first {
		product += float64(x) * float64(vector[i])
		square += float64(x) * float64(x)
	}
	if cosine := product / math.Sqrt(square); !(cosine >= MinCosine) { // or NaN
		return fmt.Sprintf("has a first token whose cosine with its vector is %.4f, wanted %v at least", cosine, MinCosine)
	}
	return ""
}
