package open

import (
	"context"
	"errors"

	"engram/index/local"
	"engram/index/qdrant"
)

// Drop deletes an index with its items: the files of a folder, where no process has it
// open for writing (index.ErrLocked), or the collection that the name stands for.
func Drop(ctx context.Context, name string, o Options) error {
	of, err := engineOf(name)
	if err != nil {
		return err
	}
	return of.drop(ctx, name, o)
}

func (folders) drop(_ context.Context, name string, _ Options) error { return local.Drop(name) }

func (collections) drop(ctx context.Context, name string, o Options) error {
	at, err := parse(name, o)
	if err != nil {
		return err
	}
	at.Fixed = true
	store, err := qdrant.Open(ctx, at)
	if err != nil {
		return err
	}
	return errors.Join(store.Drop(ctx), store.Close())
}
