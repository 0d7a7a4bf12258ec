package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/bundle"
	"engram/index"
	"engram/index/ingest"
	"engram/index/source"
)

// target is the index that a build fills, with its manifest.
type target struct {
	dim      int
	store    index.Store
	manifest *ingest.Ledger
}

// open opens the index that the flags name, or makes it. An index of another
// bundle or of another source is refused. The bundle may be nil.
func (t *target) open(ctx context.Context, a *console, f buildFlags, b *bundle.Bundle, from source.Source) (err error) {
	out := f.out
	wanted := index.Info{Dim: t.dim}
	origin := from.Origin()
	if b != nil {
		wanted.Space = app.SpaceOf(b)
		if origin.Bundle, err = filepath.Abs(b.Dir()); err != nil {
			return err
		}
	}
	store, old, err := a.openIndex(ctx, out)
	if errors.Is(err, index.ErrNotFound) {
		store, err = a.makeIndex(ctx, out, wanted, f.collection)
	}
	if err != nil {
		return err
	}
	t.store = store
	if err = t.check(ctx, out, wanted, old, origin); err == nil {
		err = source.KeepOrigin(ctx, store, origin)
	}
	if err == nil {
		err = t.openManifest(ctx, a, f)
	}
	if err != nil {
		return errors.Join(err, store.Close())
	}
	return nil
}

// openManifest opens the manifest of the build.
func (t *target) openManifest(ctx context.Context, a *console, f buildFlags) (err error) {
	dir, err := a.manifestDir(ctx, f.out, t.store)
	if err != nil {
		return err
	}
	dir = f.partDir(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	t.manifest, err = ingest.OpenLedger(dir)
	return err
}

// partDir returns the folder with the manifest of a part, by that of the whole.
// Parts that go into one collection have one each.
func (f *buildFlags) partDir(dir string) string {
	if isCollection(f.out) && f.part != "" {
		return filepath.Join(dir, "part-"+strings.ReplaceAll(f.part, "/", "-of-"))
	}
	return dir
}

// check refuses an index that was made of something else.
func (t *target) check(ctx context.Context, out string, wanted index.Info, old, origin source.Origin) error {
	info, err := t.store.Info(ctx)
	if err != nil {
		return err
	}
	switch {
	case !info.Space.Same(wanted.Space):
		return fmt.Errorf("%s is an index of bundle %s, --bundle is %s, choose another --out: %w",
			out, cmp.Or(info.Space.Name, "none"), cmp.Or(wanted.Space.Name, "none"), index.ErrBundle)
	case info.Dim != wanted.Dim:
		return fmt.Errorf("%s is an index of vectors of %d elements, the source has %d: choose another --out: %w", out, info.Dim, wanted.Dim, index.ErrDimension)
	}
	if from := old.String(); from != "" && from != origin.String() {
		return fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", out, from, origin)
	}
	return nil
}

// Close closes manifest and store.
func (t *target) Close() error { return errors.Join(t.store.Close(), t.manifest.Close()) }
