package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
)

// target is the index that a build fills, with its ledger.
type target struct {
	*Index
	ledger *ingest.Ledger
}

// openTarget opens the index that a build is for, or creates it. An index of
// another model is refused.
func (a *App) openTarget(ctx context.Context, spec BuildSpec, in *input) (_ *target, err error) {
	wanted, err := in.info()
	if err != nil {
		return nil, err
	}
	if wanted.Tokens, err = spec.tokens(in); err != nil {
		return nil, err
	}
	x, err := a.openOrCreate(ctx, spec.Out, open.Empty{Dim: wanted.Dim, Space: wanted.Space, Tokens: wanted.Tokens, Collection: spec.Collection})
	if err != nil {
		return nil, err
	}
	if spec.Tokens == "" {
		wanted.Tokens = x.Info.Tokens
	}
	if in.model == nil && !x.Info.Space.Known() { // made before embed's record was read
		wanted.Space = x.Info.Space
	}
	t := &target{Index: x}
	if err = x.accept(wanted); err == nil {
		err = in.place(ctx, x)
	}
	for _, o := range in.sources {
		if err == nil {
			err = x.keepOrigin(ctx, o.origin)
		}
	}
	if err == nil {
		t.ledger, err = a.openLedger(ctx, x, spec.Part)
	}
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return t, nil
}

// accept refuses an index that was made of something else.
func (x *Index) accept(wanted index.Info) error {
	switch {
	case !x.Info.Space.Same(wanted.Space):
		return fmt.Errorf("%s is an index of model %s, --model is %s, choose another --out: %w",
			x.Name, cmp.Or(x.Info.Space.Name, "none"), cmp.Or(wanted.Space.Name, "none"), index.ErrModel)
	case x.Info.Dim != wanted.Dim:
		return fmt.Errorf("%s is an index of vectors of %d elements, the source has %d: choose another --out: %w", x.Name, x.Info.Dim, wanted.Dim, index.ErrDimension)
	case x.Info.Tokens != wanted.Tokens:
		return fmt.Errorf("%s keeps %s, --tokens asks for %s: choose another --out: %w", x.Name, x.Info.Tokens, wanted.Tokens, index.ErrTokens)
	}
	return nil
}

// Close closes ledger and store.
func (t *target) Close() error { return errors.Join(t.Index.Close(), t.ledger.Close()) }
