package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"engram/data/progress"
	"engram/index/source"
)

// RelocateSpec says where what an index was made from is now.
type RelocateSpec struct {
	Index string
	To    string // folder
	From  string // source by its folder or label; "": the only one, or the one whose folder is gone
}

// Relocated says what a relocation did.
type Relocated struct {
	From string `json:"from"`
	To   string `json:"to"`
	source.Moved
}

// Relocate changes where an index says that its source is, once enough of its
// files are found there. Items and vectors stay as they are, and a build from the
// new place goes on.
func (a *App) Relocate(ctx context.Context, spec RelocateSpec, _ progress.Func) (_ *Relocated, err error) {
	x, err := a.openForWriting(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	old, err := x.toRelocate(spec.From)
	if err != nil {
		return nil, err
	}
	next, err := old.Relocate(spec.To)
	if err != nil {
		return nil, err
	}
	r := &Relocated{From: cmp.Or(old.Root, old.String()), To: cmp.Or(next.Root, next.String())}
	if r.Moved, err = source.CheckMoved(ctx, x.Store, old, cmp.Or(next.Root, next.Base())); err != nil {
		return nil, err
	}
	if !r.Suits() {
		return nil, fmt.Errorf("%s has %d of %d files that the index was made from, wanted half or more: %s is not there, as it was in %s",
			spec.To, r.Found, r.Sampled, r.Example, r.From)
	}
	return r, x.keepOrigin(ctx, next)
}

// toRelocate chooses the source that has moved.
func (x *Index) toRelocate(named string) (source.Origin, error) {
	suits := func(o source.Origin) bool { return o.Gone() }
	if named != "" {
		suits = func(o source.Origin) bool { return named == o.Label || named == o.Base() || named == o.String() }
	} else if len(x.Origins) == 1 {
		suits = func(source.Origin) bool { return true }
	}
	i := slices.IndexFunc(x.Origins, suits)
	switch {
	case len(x.Origins) == 0:
		return source.Origin{}, fmt.Errorf("%s does not say what it was made from", x.Name)
	case i < 0 && named != "":
		return source.Origin{}, fmt.Errorf("%s is the index of %s, and of no %s", x.Name, x.origins(), named)
	case i < 0:
		return source.Origin{}, fmt.Errorf("%s is the index of %s, which are all there: name the one that has moved with --from", x.Name, x.origins())
	case slices.ContainsFunc(x.Origins[i+1:], suits):
		return source.Origin{}, fmt.Errorf("several sources of %s are gone: name the one that is meant with --from", x.Name)
	}
	return x.Origins[i], nil
}
