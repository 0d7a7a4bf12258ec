package verify

import (
	"context"
	"errors"
	"fmt"
	"math"

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
	for _, item := range v.sample {
		stored, err := store.Tokens(ctx, []index.ID{item.ID})
		switch {
		case errors.Is(err, index.ErrCorrupt):
			f.add("item %d: %v", item.ID, err)
			continue
		case err != nil:
			return err
		case stored[0] == nil:
			f.add("item %d has none", item.ID)
			continue
		}
		values := make([]float32, format.Elements())
		if err := format.Decode(values, stored[0]); err != nil {
			f.add("item %d: %v", item.ID, err)
		} else if problem := tokensProblem(values[:format.Dim], item.Vector); problem != "" {
			f.add("item %d %s", item.ID, problem)
		}
	}
	v.check("tokens", f, "%s, of %d sampled items", format, len(v.sample))
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
