package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
	"engram/index/source"
)

// target is the index that a build fills, with its ledger.
type target struct {
	*Index
	ledger *ingest.Ledger
}

// openTarget opens the index that a build is for, or creates it. An index of
// another bundle or of another source is refused.
func (a *App) openTarget(ctx context.Context, spec BuildSpec, in *input) (_ *target, err error) {
	wanted, origin, err := in.describe()
	if err != nil {
		return nil, err
	}
	x, err := a.openOrCreate(ctx, spec.Out, open.Empty{Dim: wanted.Dim, Space: wanted.Space, Collection: spec.Collection})
	if err != nil {
		return nil, err
	}
	if in.bundle == nil && !x.Info.Space.Known() { // made before embed's record was read
		wanted.Space = x.Info.Space
	}
	t := &target{Index: x}
	if err = x.accept(wanted, origin); err == nil {
		err = x.keepOrigin(ctx, origin)
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
func (x *Index) accept(wanted index.Info, origin source.Origin) error {
	switch {
	case !x.Info.Space.Same(wanted.Space):
		return fmt.Errorf("%s is an index of bundle %s, --bundle is %s, choose another --out: %w",
			x.Name, cmp.Or(x.Info.Space.Name, "none"), cmp.Or(wanted.Space.Name, "none"), index.ErrBundle)
	case x.Info.Dim != wanted.Dim:
		return fmt.Errorf("%s is an index of vectors of %d elements, the source has %d: choose another --out: %w", x.Name, x.Info.Dim, wanted.Dim, index.ErrDimension)
	}
	if from := x.Origin.String(); from != "" && from != origin.String() {
		return fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", x.Name, from, origin)
	}
	return nil
}

// Close closes ledger and store.
func (t *target) Close() error { return errors.Join(t.Index.Close(), t.ledger.Close()) }
