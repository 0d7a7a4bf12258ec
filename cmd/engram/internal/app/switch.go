package app

import (
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/index"
	"engram/index/qdrant"
)

// Switched says what an alias names, and what it named before.
type Switched struct {
	Alias       string `json:"alias"`
	Collection  string `json:"collection"`
	Items       int    `json:"items"`
	Before      string `json:"before,omitempty"`
	BeforeItems int    `json:"before_items,omitempty"`
}

func (s *Switched) String() string {
	switch s.Before {
	case "":
		return fmt.Sprintf("%s is %s (%d items); it was nothing before", s.Alias, s.Collection, s.Items)
	case s.Collection:
		return fmt.Sprintf("%s is %s (%d items), as it was before", s.Alias, s.Collection, s.Items)
	}
	before := s.Before
	if s.BeforeItems != 0 { // or else it has none, or they are unknown
		before += fmt.Sprintf(" (%d items)", s.BeforeItems)
	}
	return fmt.Sprintf("%s is %s (%d items); before, it was %s", s.Alias, s.Collection, s.Items, before)
}

// SwitchSpec says which alias is to name which collection.
type SwitchSpec struct {
	Collection string // as CollectionForm says
	Alias      string
	Force      bool // switch also to a collection that would be refused
}

// Switch lets an alias of a Qdrant server name a collection, in place of the one
// that it names now.
func (a *App) Switch(ctx context.Context, spec SwitchSpec, _ progress.Func) (_ *Switched, err error) {
	if !isCollection(spec.Collection) {
		return nil, fmt.Errorf("%s is a folder, and aliases are of collections: wanted %s", spec.Collection, CollectionForm)
	}
	if err := qdrant.CheckAlias(spec.Alias); err != nil {
		return nil, err
	}
	opts, err := a.collectionOptions(spec.Collection)
	if err != nil {
		return nil, err
	}
	opts.Fixed = true
	store, err := qdrant.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, store)
	s := &Switched{Alias: spec.Alias, Collection: store.Collection()}
	if s.Collection != opts.Collection {
		return nil, fmt.Errorf("%s is an alias itself, of collection %s: wanted a collection", spec.Collection, s.Collection)
	}
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	s.Items = info.Count
	opts.Collection = spec.Alias
	if err := s.compare(ctx, opts, info); err != nil && !spec.Force {
		return nil, err
	}
	loading, err := store.Loading(ctx)
	switch {
	case err != nil:
		return nil, err
	case loading && !spec.Force:
		return nil, fmt.Errorf("%s is being loaded, or a build or copy into it was killed: wait for it or run it again (--force switches all the same)", s.Collection)
	}
	s.Before, err = store.TakeAlias(ctx, spec.Alias)
	return s, err
}

// compare refuses a collection that cannot stand for that of before, where there
// is one.
func (s *Switched) compare(ctx context.Context, opts qdrant.Options, after index.Info) (err error) {
	store, err := qdrant.Open(ctx, opts)
	if errors.Is(err, index.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeInto(&err, store)
	before, err := store.Info(ctx)
	if err != nil {
		return err
	}
	s.BeforeItems = before.Count
	switch {
	case store.Collection() == opts.Collection:
		return nil // which is no alias, as is said later
	case before.Dim != after.Dim:
		return fmt.Errorf("%s is %s with vectors of %d elements, those of %s have %d (--force switches all the same): %w",
			s.Alias, store.Collection(), before.Dim, s.Collection, after.Dim, index.ErrDimension)
	case !before.Space.Same(after.Space):
		return fmt.Errorf("%s is %s of %s, %s is of %s (--force switches all the same): %w",
			s.Alias, store.Collection(), bundleOf(before), s.Collection, bundleOf(after), index.ErrBundle)
	}
	return nil
}

// bundleOf names the bundle of an index.
func bundleOf(info index.Info) string {
	if !info.Space.Known() {
		return "no bundle"
	}
	return fmt.Sprintf("bundle %s", info.Space)
}
