package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/data/progress"
	"engram/index"
	"engram/index/copyindex"
	"engram/index/ingest"
	"engram/index/open"
)

// JoinSpec says which parts become which index.
type JoinSpec struct {
	Parts      []string // folders of indexes that builds of parts made
	Out        string   // folder or collection
	Collection open.Collection
}

// Joined says what a join did.
type Joined struct {
	Items  int                 // of all parts
	Copies []*copyindex.Report // of each part
}

// Join makes one index of the parts that several builds made of a source, and
// one ledger of theirs, so that a later build goes on from there. The result
// is not nil where parts were copied, also beside an error.
func (a *App) Join(ctx context.Context, spec JoinSpec, watch progress.Func) (_ *Joined, err error) {
	var parts []*target
	var ledgers []*ingest.Ledger
	joined := &Joined{}
	for i, name := range spec.Parts {
		if slices.Contains(spec.Parts[:i], name) {
			return nil, fmt.Errorf("wanted different parts, found %s twice", name)
		}
		if open.IsCollection(name) {
			return nil, fmt.Errorf("%s is a collection, wanted the folder of a part: parts can be built into one collection, all with the same --out", name)
		}
		var p *target
		if p, err = a.openPart(ctx, name); err != nil {
			return nil, err
		}
		defer closeInto(&err, p)
		parts, ledgers = append(parts, p), append(ledgers, p.ledger)
		if err := p.belongsTo(parts[0]); err != nil {
			return nil, err
		}
		joined.Items += p.Info.Count
	}
	if err := ingest.CheckParts(ledgers); err != nil {
		return nil, err
	}
	whole, err := a.openWhole(ctx, spec, parts[0])
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, whole)
	if err := joined.copyParts(ctx, parts, whole, watch); err != nil {
		return joined, err
	}
	return joined, whole.ledger.Join(ledgers)
}

// openPart opens the index of a part, or the index that parts become.
func (a *App) openPart(ctx context.Context, name string) (*target, error) {
	x, err := a.openForWriting(ctx, name)
	if err != nil {
		return nil, err
	}
	ledger, err := a.openLedger(ctx, x, ingest.Part{})
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return &target{Index: x, ledger: ledger}, nil
}

// belongsTo refuses a part that was made of something else than the first.
func (t *target) belongsTo(first *target) error {
	switch {
	case t.origins() != first.origins():
		return fmt.Errorf("%s is of %s, %s of %s: they are not parts of one index", t.Name, t.origins(), first.Name, first.origins())
	case t.Info.Dim != first.Info.Dim:
		return fmt.Errorf("%s has vectors of %d elements, %s of %d: %w", t.Name, t.Info.Dim, first.Name, first.Info.Dim, index.ErrDimension)
	case !t.Info.Space.Same(first.Info.Space):
		return fmt.Errorf("%s was made with model %s, %s with %s: %w", t.Name, t.Info.Space.Name, first.Name, first.Info.Space.Name, index.ErrModel)
	case t.Info.Tokens != first.Info.Tokens:
		return fmt.Errorf("%s keeps %s, %s keeps %s: %w", t.Name, t.Info.Tokens, first.Name, first.Info.Tokens, index.ErrTokens)
	}
	return nil
}

// openWhole opens the index that parts like this one become, or creates it.
func (a *App) openWhole(ctx context.Context, spec JoinSpec, like *target) (*target, error) {
	whole, err := a.openPart(ctx, spec.Out)
	if errors.Is(err, index.ErrNotFound) {
		x, err := a.createIndex(ctx, spec.Out, like.empty(spec.Collection))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(x.keepOrigins(ctx, like.Origins), x.Close()); err != nil {
			return nil, err
		}
		return a.openPart(ctx, spec.Out)
	}
	if err != nil {
		return nil, err
	}
	if there := whole.origins(); there != "" && there != like.origins() {
		err = fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", spec.Out, there, like.origins())
	} else if whole.ledger.Finished() {
		err = fmt.Errorf("%s is that of a finished build, which parts made before would undo: choose another --out", spec.Out)
	}
	if err != nil {
		return nil, errors.Join(err, whole.Close())
	}
	return whole, nil
}

// copyParts copies parts into one index. Items that it refuses do not keep the
// others from being copied.
func (j *Joined) copyParts(ctx context.Context, parts []*target, whole *target, watch progress.Func) error {
	var incomplete error
	for _, p := range parts {
		report, err := copyindex.Copy(ctx, p.Store, whole.Store, copyindex.Options{Batch: 4096, InFlight: 2, Progress: watch})
		if report != nil {
			j.Copies = append(j.Copies, report)
		}
		switch {
		case err != nil && !errors.Is(err, copyindex.ErrRefused):
			return fmt.Errorf("%s: %w", p.Name, err)
		case incomplete == nil && err != nil:
			incomplete = fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	if whole.origins() == "" { // the index was there, but not its origin
		incomplete = errors.Join(incomplete, whole.keepOrigins(ctx, parts[0].Origins))
	}
	return incomplete
}
