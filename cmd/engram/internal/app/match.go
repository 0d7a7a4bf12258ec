package app

import (
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed/bundle"
	"engram/index"
)

// errNoBundle says that neither the user nor the index names a model.
var errNoBundle = errors.New("the index does not say where its model bundle is, name it with --bundle")

// modelSpec says which model queries of an index are embedded with.
type modelSpec struct {
	bundle string // "": where the index remembers it
	// assume takes it on trust that the bundle made the vectors of an index that
	// does not record its model.
	assume bool
}

// modelOf opens the model of an index, and refuses the model of another space.
func (a *App) modelOf(ctx context.Context, x *Index, spec modelSpec, watch progress.Func) (*Model, error) {
	b, err := a.bundleOf(x, spec)
	if err != nil {
		return nil, err
	}
	return a.OpenModel(ctx, b, watch)
}

// bundleOf opens the bundle of an index; errNoBundle says that nobody names one.
func (a *App) bundleOf(x *Index, spec modelSpec) (*bundle.Bundle, error) {
	named := spec.bundle
	if named == "" {
		named = x.Origin.Bundle
	}
	if named == "" {
		return nil, errNoBundle
	}
	b, err := a.OpenBundle(named)
	if err != nil {
		return nil, err
	}
	if err := x.match(SpaceOf(b), b.D, spec.assume); err != nil {
		return nil, fmt.Errorf("%s: %w", named, err)
	}
	if !x.Info.Space.Known() {
		a.opts.Logger.Warn("the index does not record its model, it is assumed to be this one", "bundle", Label(b), "dim", b.D)
	}
	return b, nil
}

// decoderOf opens a decoder for searches of an index, and refuses one into
// another space.
func (a *App) decoderOf(ctx context.Context, x *Index, dir string, assume bool, watch progress.Func) (*Decoder, error) {
	d, err := a.OpenDecoder(ctx, dir, watch)
	if err != nil {
		return nil, err
	}
	if err := x.match(d.Space(), d.Config().D, assume); err != nil {
		return nil, errors.Join(fmt.Errorf("decoder %s: %w", dir, err), d.Close())
	}
	return d, nil
}

// match refuses queries of a space, of dim elements, that cannot be compared with
// the vectors of the index. Where the index does not record its space only the
// dimension can be checked, which assume says is enough.
func (x *Index) match(of space.Space, dim int, assume bool) error {
	recorded := x.Info.Space.Known()
	if recorded {
		if err := x.Info.CheckSpace(of); err != nil {
			return err
		}
	}
	switch {
	case dim != x.Info.Dim:
		return fmt.Errorf("its vectors have %d elements, those in the index %d: %w", dim, x.Info.Dim, index.ErrDimension)
	case !recorded && !assume:
		return fmt.Errorf("%w (--assume-bundle takes it on trust)", x.Info.CheckSpace(of))
	}
	return nil
}
