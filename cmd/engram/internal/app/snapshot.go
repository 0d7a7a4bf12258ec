package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"engram/data/progress"
	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
)

// SnapshotSpec says which index is copied where.
type SnapshotSpec struct {
	Index, Out string
}

// Snapshot makes a copy of an index as it is now, and describes it.
func (a *App) Snapshot(ctx context.Context, spec SnapshotSpec, _ progress.Func) (_ *IndexReport, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	store, ok := x.Store.(index.Snapshotter)
	if !ok || open.IsCollection(spec.Out) {
		return nil, fmt.Errorf("a snapshot is of the folder of an index and into a folder, found %s and %s: see engram index copy", spec.Index, spec.Out)
	}
	if err := store.Snapshot(ctx, spec.Out); err != nil {
		return nil, err
	}
	copied, err := a.OpenIndex(ctx, spec.Out)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, copied)
	return copied.report(ctx)
}

// Drop deletes an index with all that belongs to it, damaged or not, once agreed says so of
// what it is. It returns false where agreed does.
func (a *App) Drop(ctx context.Context, name string, agreed func(what string) bool) (dropped bool, err error) {
	what, err := a.describeForDrop(ctx, name)
	if err != nil || !agreed(what) {
		return false, err
	}
	ledger, err := open.FindLedgerDir(ctx, name, a.storeOptions())
	if err != nil {
		return false, err
	}
	if err := open.Drop(ctx, name, a.storeOptions()); err != nil || ledger == "" {
		return err == nil, err
	}
	if err := os.Remove(filepath.Join(ledger, ingest.LedgerName)); err != nil && !os.IsNotExist(err) {
		return true, err
	}
	_ = os.Remove(ledger) // a folder with other files in it stays
	return true, nil
}

// describeForDrop says what would be lost.
func (a *App) describeForDrop(ctx context.Context, name string) (_ string, err error) {
	x, err := a.OpenIndex(ctx, name)
	if errors.Is(err, index.ErrCorrupt) {
		return name + ", which is damaged,", nil
	}
	if err != nil {
		return "", err
	}
	defer closeInto(&err, x)
	return fmt.Sprintf("%s with %d items", name, x.Info.Count), nil
}
