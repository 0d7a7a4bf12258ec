package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"engram/embed/bundle"
	"engram/index"
	"engram/index/build"
	"engram/index/local"
)

// target is the index that a build fills, with its manifest.
type target struct {
	dim      int
	store    *local.Store
	manifest *build.Manifest
}

// open opens the index in dir, or makes it. An index of another bundle or of
// another source is refused. The bundle may be nil.
func (t *target) open(dir string, b *bundle.Bundle, source build.Source) (err error) {
	opts := local.Options{Dim: t.dim}
	origin := build.Origin{Source: source.Base()}
	if folder, ok := source.(build.Folder); ok {
		origin.Root = folder.Root
	}
	if b != nil {
		opts.Bundle, opts.BundleName = b.Fingerprint(), bundleLabel(b)
		if origin.Bundle, err = filepath.Abs(b.Dir()); err != nil {
			return err
		}
	}
	t.store, err = local.Open(dir)
	if errors.Is(err, index.ErrNotFound) {
		t.store, err = local.Create(dir, opts)
	}
	if err != nil {
		return err
	}
	if err = t.check(dir, opts, origin); err == nil {
		err = build.WriteOrigin(dir, origin)
	}
	if err == nil {
		t.manifest, err = build.OpenManifest(dir)
	}
	if err != nil {
		return errors.Join(err, t.store.Close())
	}
	return nil
}

// check refuses an index that was made of something else.
func (t *target) check(dir string, opts local.Options, origin build.Origin) error {
	info, err := t.store.Info(context.Background())
	if err != nil {
		return err
	}
	switch {
	case info.Bundle != opts.Bundle:
		return fmt.Errorf("%s is an index of bundle %s, --bundle is %s, choose another --out: %w",
			dir, cmp.Or(info.BundleName, "none"), cmp.Or(opts.BundleName, "none"), index.ErrBundle)
	case info.Dim != opts.Dim:
		return fmt.Errorf("%s is an index of vectors of %d elements, the source has %d: choose another --out: %w", dir, info.Dim, opts.Dim, index.ErrDimension)
	}
	old, err := build.ReadOrigin(dir)
	if err != nil {
		return err
	}
	if from := cmp.Or(old.Source, old.Root); from != "" && from != origin.Source {
		return fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", dir, from, origin.Source)
	}
	return nil
}

// Close closes manifest and store.
func (t *target) Close() error { return errors.Join(t.store.Close(), t.manifest.Close()) }
