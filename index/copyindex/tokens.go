package copyindex

import (
	"bytes"
	"context"
	"fmt"

	"engram/index"
)

// tokenCopy copies the tokens of items. The nil tokenCopy copies none.
type tokenCopy struct {
	from, to         index.TokenStore
	fromKind, toKind index.TokenFormat
}

// newTokenCopy returns nil where the target keeps no tokens, and refuses a target
// whose tokens the source does not have.
func newTokenCopy(from, to index.Store, have, want index.TokenFormat) (*tokenCopy, error) {
	if !want.Kept() {
		return nil, nil
	}
	if have.Count != want.Count || have.Dim != want.Dim {
		return nil, fmt.Errorf("the source keeps %s, the target %s: %w", have, want, index.ErrTokens)
	}
	source, ok := from.(index.TokenStore)
	target, also := to.(index.TokenStore)
	if !ok || !also {
		return nil, fmt.Errorf("the tokens of %T cannot be copied into %T: %w", from, to, index.ErrTokens)
	}
	return &tokenCopy{from: source, to: target, fromKind: have, toKind: want}, nil
}

// fill gives items of the source their tokens as the target keeps them.
func (t *tokenCopy) fill(ctx context.Context, items []index.Item) error {
	if t == nil || len(items) == 0 {
		return nil
	}
	ids := make([]index.ID, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	stored, err := t.from.Tokens(ctx, ids)
	if err != nil {
		return err
	}
	for i := range items {
		if items[i].Tokens, err = t.convert(stored[i]); err != nil {
			return fmt.Errorf("item %d: %w", items[i].ID, err)
		}
	}
	return nil
}

// convert returns stored tokens of the source as the target keeps them.
func (t *tokenCopy) convert(stored []byte) ([]byte, error) {
	if t.fromKind == t.toKind {
		return stored, nil
	}
	tokens := make([]float32, t.fromKind.Elements())
	if err := t.fromKind.Decode(tokens, stored); err != nil {
		return nil, err
	}
	return t.toKind.Encode(nil, tokens)
}

// compare returns what tells whether an item's tokens in the target are what fill
// makes of the source's.
func (t *tokenCopy) compare(ctx context.Context) func(index.ID) (bool, error) {
	if t == nil {
		return nil
	}
	return func(id index.ID) (bool, error) {
		source, err := t.from.Tokens(ctx, []index.ID{id})
		if err != nil {
			return false, err
		}
		want, err := t.convert(source[0])
		if err != nil {
			return false, err
		}
		found, err := t.to.Tokens(ctx, []index.ID{id})
		return err == nil && bytes.Equal(want, found[0]), err
	}
}
