package main

import (
	"context"
	"errors"
	"fmt"

	"engram/index"
	"engram/index/qdrant"

	"github.com/spf13/cobra"
)

func (a *console) indexSwitchCommand() *cobra.Command {
	var aliases []string
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "switch COLLECTION",
		Short: "Let an alias name another collection",
		Long: "Switch makes an alias of a Qdrant server name a collection, in place of the one that it names now, in\n" +
			"one step: who asks the alias gets an answer from one or the other. So an index is rebuilt while it is\n" +
			"served: build or copy it into a collection of another name, verify that, and switch. A collection that\n" +
			"is still being loaded is refused, and one of vectors of another dimension or bundle, which those who\n" +
			"ask the alias cannot use.",
		Example: "  engram index copy photos.index qdrant://localhost:6334/photos-2\n" +
			"  engram index switch qdrant://localhost:6334/photos-2 --alias photos\n" +
			"  engram serve --index qdrant://localhost:6334/photos",
		Args: oneArgument("a collection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(aliases) != 1 {
				return fmt.Errorf("wanted one --alias, found %d of them", len(aliases))
			}
			s, err := a.switchAlias(cmd.Context(), args[0], aliases[0], force)
			switch {
			case err != nil:
				return err
			case asJSON:
				return a.printJSON(s)
			}
			_, err = fmt.Fprintln(a.stdout, s)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&aliases, "alias", nil, "`name` that is to name the collection (required)")
	flags.BoolVar(&force, "force", false, "switch also to a collection that would be refused; where dimension or bundle differ, who has the alias open must open it again")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("alias") // the flag exists
	return cmd
}

// switched says what an alias names, and what it named before.
type switched struct {
	Alias       string `json:"alias"`
	Collection  string `json:"collection"`
	Items       int    `json:"items"`
	Before      string `json:"before,omitempty"`
	BeforeItems int    `json:"before_items,omitempty"`
}

func (s *switched) String() string {
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

// switchAlias lets an alias name a collection.
func (a *console) switchAlias(ctx context.Context, name, alias string, force bool) (_ *switched, err error) {
	if !isCollection(name) {
		return nil, fmt.Errorf("%s is a folder, and aliases are of collections: wanted %s", name, collectionForm)
	}
	if err := qdrant.CheckAlias(alias); err != nil {
		return nil, err
	}
	opts, err := a.collectionOptions(name)
	if err != nil {
		return nil, err
	}
	opts.Fixed = true
	store, err := qdrant.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, store)
	s := &switched{Alias: alias, Collection: store.Collection()}
	if s.Collection != opts.Collection {
		return nil, fmt.Errorf("%s is an alias itself, of collection %s: wanted a collection", name, s.Collection)
	}
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	s.Items = info.Count
	opts.Collection = alias
	if err := s.compare(ctx, opts, info); err != nil && !force {
		return nil, err
	}
	loading, err := store.Loading(ctx)
	switch {
	case err != nil:
		return nil, err
	case loading && !force:
		return nil, fmt.Errorf("%s is being loaded, or a build or copy into it was killed: wait for it or run it again (--force switches all the same)", s.Collection)
	}
	s.Before, err = store.TakeAlias(ctx, alias)
	return s, err
}

// compare refuses a collection that cannot stand for that of before, where there
// is one.
func (s *switched) compare(ctx context.Context, opts qdrant.Options, after index.Info) (err error) {
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
