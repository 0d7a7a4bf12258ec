package open

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"

	"engram/data/vfs"
	"engram/index"
)

// buildLabel is the label of a collection that tells it from a later one of the
// same name.
const buildLabel = "build"

// LedgerDir returns the folder on this machine with the ledger of the builds into
// an open index, and makes it where it is missing. It is the index's own folder,
// or for a collection one in Options.Cache, whose ledger is of use as long as the
// collection is there.
func LedgerDir(ctx context.Context, name string, store index.Store, o Options) (string, error) {
	of, err := engineOf(name)
	if err != nil {
		return "", err
	}
	return of.ledgerDir(ctx, name, store, o)
}

func (collections) ledgerDir(ctx context.Context, _ string, store index.Store, o Options) (string, error) {
	labels, err := store.Labels(ctx)
	if err != nil {
		return "", err
	}
	build := labels[buildLabel]
	if build == "" {
		build = rand.Text()
		if err := store.SetLabel(ctx, buildLabel, build); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(o.Cache, "builds", build)
	return dir, vfs.MkdirAll(dir, 0o755)
}

// FindLedgerDir is LedgerDir of an index that may not be there yet and is left as
// it is. "" says that nothing was built into it from this machine.
func FindLedgerDir(ctx context.Context, name string, o Options) (string, error) {
	of, err := engineOf(name)
	if err != nil {
		return "", err
	}
	return of.findLedgerDir(ctx, name, o)
}

func (c collections) findLedgerDir(ctx context.Context, name string, o Options) (string, error) {
	store, err := c.open(ctx, name, true, o)
	if errors.Is(err, index.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	labels, err := store.Labels(ctx)
	if err := errors.Join(err, store.Close()); err != nil || labels[buildLabel] == "" {
		return "", err
	}
	return filepath.Join(o.Cache, "builds", labels[buildLabel]), nil
}

// PartDir returns the folder with the ledger of a part, such as "1/3", of the
// index whose ledger is in dir; of the whole for "". Parts that are built into one
// collection have one folder each, a folder has one part.
func PartDir(dir, name, part string) string {
	of, err := engineOf(name)
	if err != nil || part == "" {
		return dir
	}
	return of.partDir(dir, part)
}

func (collections) partDir(dir, part string) string {
	return filepath.Join(dir, "part-"+strings.ReplaceAll(part, "/", "-of-"))
}
