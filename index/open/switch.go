package open

import (
	"context"
	"errors"
	"fmt"

	"engram/index"
	"engram/index/qdrant"
)

// Alias says which alias of a Qdrant server is to name which collection.
type Alias struct {
	Collection string // its address, see Form
	Name       string // the alias
	Force      bool   // switch also to a collection that would be refused
}

// Switched says what an alias names, and what it named before.
type Switched struct {
	Alias       string `json:"alias"`
	Collection  string `json:"collection"`
	Items       int    `json:"items"`
	Before      string `json:"before,omitempty"`
	BeforeItems int    `json:"before_items,omitempty"`
}

// String says it in a sentence.
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

// Switch lets an alias name a collection, in place of the one that it names now,
// in one step. It refuses a collection that is being loaded, and one with vectors
// of another dimension or space, or with other tokens, than the collection that the
// alias names.
func Switch(ctx context.Context, a Alias, o Options) (_ *Switched, err error) {
	if !IsCollection(a.Collection) {
		return nil, fmt.Errorf("%s is a folder, and aliases are of collections: wanted %s", a.Collection, Form)
	}
	if err := qdrant.CheckAlias(a.Name); err != nil {
		return nil, err
	}
	at, err := parse(a.Collection, o)
	if err != nil {
		return nil, err
	}
	at.Fixed = true
	store, err := qdrant.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	s := &Switched{Alias: a.Name, Collection: store.Collection()}
	if s.Collection != at.Collection {
		return nil, fmt.Errorf("%s is an alias itself, of collection %s: wanted a collection", a.Collection, s.Collection)
	}
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	s.Items = info.Count
	at.Collection = a.Name
	if err := s.compare(ctx, at, info); err != nil && !a.Force {
		return nil, err
	}
	loading, err := store.Loading(ctx)
	switch {
	case err != nil:
		return nil, err
	case loading && !a.Force:
		return nil, fmt.Errorf("%s is being loaded, or a build or copy into it was killed: wait for it or run it again (--force switches all the same)", s.Collection)
	}
	s.Before, err = store.TakeAlias(ctx, a.Name)
	return s, err
}

// compare refuses a collection that cannot take the place of the one before it,
// where there is one.
func (s *Switched) compare(ctx context.Context, before qdrant.Options, after index.Info) (err error) {
	store, err := qdrant.Open(ctx, before)
	if errors.Is(err, index.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	info, err := store.Info(ctx)
	if err != nil {
		return err
	}
	s.BeforeItems = info.Count
	switch {
	case store.Collection() == before.Collection:
		return nil // it is no alias, as TakeAlias will say
	case info.Dim != after.Dim:
		return fmt.Errorf("%s is %s with vectors of %d elements, those of %s have %d (--force switches all the same): %w",
			s.Alias, store.Collection(), info.Dim, s.Collection, after.Dim, index.ErrDimension)
	case info.Tokens.Kept() && info.Tokens != after.Tokens:
		return fmt.Errorf("%s is %s, which keeps %s, and %s keeps %s (--force switches all the same): %w",
			s.Alias, store.Collection(), info.Tokens, s.Collection, after.Tokens, index.ErrTokens)
	case !info.Space.Same(after.Space):
		return fmt.Errorf("%s is %s of %s, %s is of %s (--force switches all the same): %w",
			s.Alias, store.Collection(), modelOf(info), s.Collection, modelOf(after), index.ErrModel)
	}
	return nil
}

// modelOf names the model of an index.
func modelOf(info index.Info) string {
	if !info.Space.Known() {
		return "no model"
	}
	return fmt.Sprintf("model %s", info.Space)
}
