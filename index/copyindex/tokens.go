package copyindex

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"

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

// tokenBytes bounds the tokens of a store that are compared at a time.
const tokenBytes = 16 << 20

// attach gives each pair whose item is in both stores the tokens of both. It reads
// ahead and asks each store for the tokens of many items at once.
func (t *tokenCopy) attach(ctx context.Context, pairs iter.Seq2[pair, error]) iter.Seq2[pair, error] {
	if t == nil {
		return pairs
	}
	most := max(1, min(256, tokenBytes/max(t.fromKind.Size(), t.toKind.Size())))
	return func(yield func(pair, error) bool) {
		ahead := make([]pair, 0, most)
		pass := func() bool {
			defer func() { ahead = ahead[:0] }()
			if err := t.read(ctx, ahead); err != nil {
				yield(pair{}, err)
				return false
			}
			for _, p := range ahead {
				if !yield(p, nil) {
					return false
				}
			}
			return true
		}
		for p, err := range pairs {
			if err != nil {
				yield(pair{}, err)
				return
			}
			if ahead = append(ahead, p); len(ahead) == most && !pass() {
				return
			}
		}
		pass()
	}
}

// read reads the tokens of the pairs whose item is in both stores.
func (t *tokenCopy) read(ctx context.Context, pairs []pair) error {
	var ids []index.ID
	for _, p := range pairs {
		if p.source != nil && p.target != nil {
			ids = append(ids, p.source.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	source, err := t.from.Tokens(ctx, ids)
	if err != nil {
		return err
	}
	target, err := t.to.Tokens(ctx, ids)
	if err != nil {
		return err
	}
	for i, at := 0, 0; at < len(ids); i++ {
		if pairs[i].source == nil || pairs[i].target == nil {
			continue
		}
		want, err := t.convert(source[at])
		if err != nil {
			return fmt.Errorf("item %d: %w", ids[at], err)
		}
		pairs[i].tokens = &tokenPair{want: want, found: target[at]}
		at++
	}
	return nil
}

// tokenPair is the tokens of one item: as the target is to keep them, and as it does.
type tokenPair struct{ want, found []byte }

// tokenDigest is the SHA-256 of the ids and stored tokens of items, in order.
type tokenDigest struct{ hash hash.Hash }

func newTokenDigest() tokenDigest { return tokenDigest{sha256.New()} }

func (d tokenDigest) add(id index.ID, stored []byte) {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], uint64(id))
	binary.LittleEndian.PutUint64(head[8:], uint64(len(stored)))
	d.hash.Write(head[:])
	d.hash.Write(stored)
}

// String returns 64 hexadecimal digits.
func (d tokenDigest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
