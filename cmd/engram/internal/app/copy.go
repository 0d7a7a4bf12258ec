package app

import (
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/index/copyindex"
	"engram/index/open"
	"engram/index/source"
)

// CopySpec says what to copy where.
type CopySpec struct {
	From, To   string          // folders or collections
	Collection open.Collection // of To, where it is made
	Prune      bool            // delete the items of To that From does not have
	Batch      int             // items in one write; 0: package copyindex's default
}

// Copy copies an index, with what it remembers of its origin, and compares the
// two. A copy into an index of other images is refused, whose paths would lead
// nowhere. The report is complete also beside copyindex.ErrRefused.
func (a *App) Copy(ctx context.Context, spec CopySpec, watch progress.Func) (_ *copyindex.Report, err error) {
	if open.Same(spec.From, spec.To) {
		return nil, fmt.Errorf("wanted two indexes, found %s twice", spec.From)
	}
	from, err := a.OpenIndex(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, from)
	to, err := a.openOrCreate(ctx, spec.To, from.empty(spec.Collection))
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, to)
	if there := to.Origin.String(); there != "" && there != from.Origin.String() {
		return nil, fmt.Errorf("%s is the index of %s, %s that of %s: choose another one to copy to", spec.To, there, spec.From, from.Origin)
	}
	opts := copyindex.Options{Prune: spec.Prune, Batch: spec.Batch, Progress: watch}
	report, err := copyindex.Copy(ctx, from.Store, to.Store, opts)
	if err != nil && !errors.Is(err, copyindex.ErrRefused) || from.Origin == (source.Origin{}) {
		return report, err
	}
	if failed := to.keepOrigin(ctx, from.Origin); failed != nil {
		return report, failed
	}
	return report, err
}
