package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/index"
	"engram/index/copyindex"
	"engram/index/ingest"
	"engram/index/source"

	"github.com/spf13/cobra"
)

func (a *console) indexJoinCommand() *cobra.Command {
	var out string
	var set collectionFlags
	cmd := &cobra.Command{
		Use:   "join PART…",
		Short: "Make one index of the parts that several builds made",
		Long: "Join copies the items of all parts of a source, as index build --part made them, into one index, and\n" +
			"what is known about their shards with them: a later index build goes on from there. Parts that are not\n" +
			"finished, do not belong together or are missing are refused.",
		Example: "  engram index build laion --out part1 --part 1/2\n" +
			"  engram index build laion --out part2 --part 2/2\n" +
			"  engram index join part1 part2 --out laion.index",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("wanted the parts of an index, found 0 arguments (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := a.joinParts(cmd.Context(), args, out, set)
			if err == nil {
				fmt.Fprintf(a.stdout, "%d items of %d parts\n", items, len(args))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`folder` of the new index, or "+collectionForm+" (required)")
	set.add(cmd.Flags())
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// part is an index that holds a part of the shards of a source.
type part struct {
	target
	name   string
	info   index.Info
	origin source.Origin
}

// openPart opens a part, or the index that parts become.
func (a *console) openPart(ctx context.Context, name string) (p part, err error) {
	p.name = name
	if p.store, p.origin, err = a.openIndex(ctx, name); err != nil {
		return p, err
	}
	p.info, err = p.store.Info(ctx)
	var dir string
	if err == nil {
		dir, err = a.manifestDir(ctx, name, p.store)
	}
	if err == nil {
		p.manifest, err = ingest.OpenLedger(dir)
	}
	if err != nil {
		return p, errors.Join(err, p.store.Close())
	}
	return p, nil
}

// joinParts joins parts and returns how many items they have.
func (a *console) joinParts(ctx context.Context, names []string, out string, set collectionFlags) (items int, err error) {
	if err := set.check(out); err != nil {
		return 0, err
	}
	var parts []part
	var manifests []*ingest.Ledger
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return 0, fmt.Errorf("wanted different parts, found %s twice", name)
		}
		if isCollection(name) {
			return 0, fmt.Errorf("%s is a collection, wanted the folder of a part: parts can be built into one collection, all with the same --out", name)
		}
		var p part
		if p, err = a.openPart(ctx, name); err != nil {
			return 0, err
		}
		defer closeInto(&err, &p)
		parts, manifests = append(parts, p), append(manifests, p.manifest)
		items += p.info.Count
		first := parts[0]
		switch {
		case p.origin.String() != first.origin.String():
			return 0, fmt.Errorf("%s is of %s, %s of %s: they are not parts of one index", name, p.origin, first.name, first.origin)
		case p.info.Dim != first.info.Dim:
			return 0, fmt.Errorf("%s has vectors of %d elements, %s of %d: %w", name, p.info.Dim, first.name, first.info.Dim, index.ErrDimension)
		case !p.info.Space.Same(first.info.Space):
			return 0, fmt.Errorf("%s was made with bundle %s, %s with %s: %w", name, p.info.Space.Name, first.name, first.info.Space.Name, index.ErrBundle)
		}
	}
	if err := ingest.CheckParts(manifests); err != nil {
		return 0, err
	}
	return items, a.copyParts(ctx, parts, manifests, out, set)
}

// copyParts copies parts that fit each other into one index, and then what
// their manifests say.
func (a *console) copyParts(ctx context.Context, parts []part, manifests []*ingest.Ledger, out string, set collectionFlags) (err error) {
	whole, err := a.openPart(ctx, out)
	if errors.Is(err, index.ErrNotFound) {
		whole, err = a.makeWhole(ctx, out, set, parts[0])
	}
	if err != nil {
		return err
	}
	defer closeInto(&err, &whole)
	if there := whole.origin.String(); there != "" && there != parts[0].origin.String() {
		return fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", out, whole.origin, parts[0].origin)
	}
	if whole.manifest.Finished() {
		return fmt.Errorf("%s is that of a finished build, which parts made before would undo: choose another --out", out)
	}
	var incomplete error
	for _, p := range parts {
		display := a.display()
		report, err := copyindex.Copy(ctx, p.store, whole.store, copyindex.Options{Batch: 4096, InFlight: 2, Progress: display.report})
		display.finish()
		a.printRefused(report)
		switch {
		case err != nil && !errors.Is(err, copyindex.ErrRefused):
			return fmt.Errorf("%s: %w", p.name, err)
		case incomplete == nil && err != nil:
			incomplete = fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if whole.origin.String() == "" { // the index was there, but not its origin
		incomplete = errors.Join(incomplete, source.KeepOrigin(ctx, whole.store, parts[0].origin))
	}
	if incomplete != nil {
		return incomplete
	}
	return whole.manifest.Join(manifests)
}

// makeWhole makes the empty index that parts like this one become.
func (a *console) makeWhole(ctx context.Context, out string, set collectionFlags, like part) (part, error) {
	store, err := a.makeIndex(ctx, out, like.info, set)
	if err != nil {
		return part{}, err
	}
	if err := errors.Join(source.KeepOrigin(ctx, store, like.origin), store.Close()); err != nil {
		return part{}, err
	}
	return a.openPart(ctx, out)
}
