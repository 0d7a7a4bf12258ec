package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/data/progress"
	"engram/index"
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
// two. Into an index of other sources it adds one as a further source, with ids
// that do not collide. The report is complete also beside copyindex.ErrRefused.
func (a *App) Copy(ctx context.Context, spec CopySpec, watch progress.Func) (_ *copyindex.Report, err error) {
	if open.Same(spec.From, spec.To) {
		return nil, fmt.Errorf("wanted two indexes, found %s twice", spec.From)
	}
	from, err := a.OpenIndex(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, from)
	if err := copyindex.CheckSource(from.Info); err != nil { // before a target is made
		return nil, err
	}
	empty := from.empty(spec.Collection)
	to, err := a.openOrCreate(ctx, spec.To, empty)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, to)
	if empty.Tokens.Kept() && !to.Info.Tokens.Kept() {
		a.notify("%s keeps no tokens: a search by scan makes them from the images again", spec.To)
	}
	store, origins, err := from.among(to, spec.Prune)
	if err != nil {
		return nil, err
	}
	opts := copyindex.Options{Prune: spec.Prune, Batch: spec.Batch, Progress: watch}
	report, err := copyindex.Copy(ctx, store, to.Store, opts)
	if view, adds := store.(source.View); adds && report != nil {
		report.Note = added(from.Origin, to.Origins, view.Label)
	}
	if err != nil && !errors.Is(err, copyindex.ErrRefused) {
		return report, err
	}
	if failed := to.keepOrigins(ctx, origins); failed != nil {
		return report, failed
	}
	return report, err
}

// among returns the items of an index as they are to be in another one, and their
// origins there.
func (x *Index) among(to *Index, prune bool) (index.Store, []source.Origin, error) {
	there := to.origins()
	switch {
	case there == "" || there == x.origins():
		return x.Store, x.Origins, nil
	case x.origins() == "":
		return nil, nil, fmt.Errorf("%s is the index of %s, %s does not say what it is of: choose another one to copy to", to.Name, there, x.Name)
	case len(x.Origins) > 1:
		return nil, nil, fmt.Errorf("%s is the index of %s, %s of %s: an index of several sources is copied into a new one, or one of the same sources", to.Name, there, x.Name, x.origins())
	case prune:
		return nil, nil, fmt.Errorf("%s is the index of %s, and --prune would delete what is not of %s: leave it out", to.Name, there, x.Origin)
	}
	origin := x.Origin
	known := slices.IndexFunc(to.Origins, func(o source.Origin) bool { return o.String() == origin.String() })
	rival := slices.IndexFunc(to.Origins, origin.Rivals)
	if known < 0 && rival >= 0 {
		return nil, nil, fmt.Errorf("%s is the index of %s, %s that of %s: choose another one to copy to", to.Name, to.Origins[rival], x.Name, origin)
	}
	if known >= 0 {
		origin.Label = to.Origins[known].Label
	} else {
		origin.Label = source.NewLabel(origin, to.Origins)
	}
	if origin.Label == "" {
		return x.Store, []source.Origin{origin}, nil
	}
	return source.View{Store: x.Store, Label: origin.Label, Was: x.Origin.Label}, []source.Origin{origin}, nil
}
