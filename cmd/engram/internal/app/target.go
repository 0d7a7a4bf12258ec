package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"engram/index"
	"engram/index/ingest"
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
	x, err := a.OpenIndex(ctx, spec.Out)
	if errors.Is(err, index.ErrNotFound) {
		x, err = a.createIndex(ctx, spec.Out, wanted, spec.Collection)
	}
	if err != nil {
		return nil, err
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

// openLedger opens the ledger of an index or of a part of it.
func (a *App) openLedger(ctx context.Context, x *Index, part ingest.Part) (*ingest.Ledger, error) {
	dir, err := a.ledgerDir(ctx, x)
	if err != nil {
		return nil, err
	}
	dir = partDir(dir, x.Name, part)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return ingest.OpenLedger(dir)
}

// partDir returns the folder with the ledger of a part of an index, whose own
// ledger is in dir. Parts that go into one collection have one each.
func partDir(dir, name string, part ingest.Part) string {
	if !isCollection(name) || part == (ingest.Part{}) {
		return dir
	}
	return filepath.Join(dir, "part-"+strings.ReplaceAll(part.String(), "/", "-of-"))
}

// Close closes ledger and store.
func (t *target) Close() error { return errors.Join(t.Index.Close(), t.ledger.Close()) }
