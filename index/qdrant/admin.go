package qdrant

import (
	"context"
	"time"

	api "github.com/qdrant/go-client/qdrant"
)

// Snapshot is a copy of the collection as one file, which the server keeps on
// the node that was asked. It is downloaded and restored over the server's REST
// interface.
type Snapshot struct {
	Name    string
	Created time.Time
	Size    int64 // bytes
}

// CreateSnapshot makes a snapshot. It takes disk space as the collection does,
// and may take longer than Options.Timeout, which does not bound it: ctx does.
func (s *Store) CreateSnapshot(ctx context.Context) (Snapshot, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	defer release()
	made, err := s.client.CreateSnapshot(ctx, s.opts.Collection)
	if err != nil {
		return Snapshot{}, s.explain(ctx, "snapshot", err)
	}
	return snapshot(made), nil
}

func snapshot(d *api.SnapshotDescription) Snapshot {
	return Snapshot{Name: d.GetName(), Created: d.GetCreationTime().AsTime(), Size: d.GetSize()}
}

// Snapshots lists the snapshots of the collection.
func (s *Store) Snapshots(ctx context.Context) ([]Snapshot, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	listed, err := call(ctx, s.server, "list snapshots", func(ctx context.Context) ([]*api.SnapshotDescription, error) {
		return s.client.ListSnapshots(ctx, s.opts.Collection)
	})
	if err != nil {
		return nil, err
	}
	snapshots := make([]Snapshot, len(listed))
	for i, d := range listed {
		snapshots[i] = snapshot(d)
	}
	return snapshots, nil
}

// DeleteSnapshot deletes a snapshot.
func (s *Store) DeleteSnapshot(ctx context.Context, name string) error {
	return s.administer(ctx, "delete snapshot "+name, func(ctx context.Context) error {
		return s.client.DeleteSnapshot(ctx, s.opts.Collection, name)
	})
}

// TakeAlias lets alias name this collection, in place of the one that it names
// now, in one step: who opens or asks the alias gets one or the other.
//
// To rebuild an index without an interruption, open it by an alias, build a
// collection of another name, and let that take the alias.
func (s *Store) TakeAlias(ctx context.Context, alias string) error {
	return s.administer(ctx, "take alias "+alias, func(ctx context.Context) error {
		aliases, err := s.client.ListAliases(ctx)
		if err != nil {
			return err
		}
		var steps []*api.AliasOperations
		for _, a := range aliases {
			if a.GetAliasName() == alias {
				steps = append(steps, api.NewAliasDelete(alias))
			}
		}
		return s.client.UpdateAliases(ctx, append(steps, api.NewAliasCreate(alias, s.opts.Collection)))
	})
}

// Drop deletes the collection with all that is in it. The store is of no more
// use than to be closed.
func (s *Store) Drop(ctx context.Context) error {
	return s.administer(ctx, "drop collection "+s.opts.Collection, func(ctx context.Context) error {
		return s.client.DeleteCollection(ctx, s.opts.Collection)
	})
}

// administer makes a call that is not repeated.
func (s *Store) administer(ctx context.Context, what string, f func(context.Context) error) error {
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	_, err = once(ctx, s.server, what, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}
