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
	Index string
	Out   string // folder; "" of a collection, whose server keeps the snapshot
}

// SnapshotReport says what a snapshot has become.
type SnapshotReport struct {
	*IndexReport                       // of the copy of a folder
	OnServer     *index.ServerSnapshot `json:"on_server,omitempty"` // of a collection
}

// Snapshot makes a copy of an index as it is now, and describes it.
func (a *App) Snapshot(ctx context.Context, spec SnapshotSpec, _ progress.Func) (_ *SnapshotReport, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	if server, ok := x.Store.(index.ServerSnapshotter); ok && spec.Out == "" {
		made, err := server.SnapshotOnServer(ctx)
		return &SnapshotReport{OnServer: &made}, err
	}
	store, ok := x.Store.(index.Snapshotter)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is on a server, which keeps snapshots itself: leave --out out, or see engram index copy", spec.Index)
	case spec.Out == "":
		return nil, fmt.Errorf("%s is a folder: a snapshot of it needs --out, the folder of the copy", spec.Index)
	case open.IsCollection(spec.Out):
		return nil, fmt.Errorf("a snapshot is copied into a folder, found %s: see engram index copy", spec.Out)
	}
	if err := store.Snapshot(ctx, spec.Out); err != nil {
		return nil, err
	}
	copied, err := a.OpenIndex(ctx, spec.Out)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, copied)
	report, err := copied.report(ctx)
	return &SnapshotReport{IndexReport: report}, err
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
