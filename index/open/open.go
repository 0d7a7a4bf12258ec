package open

import (
	"context"
	"errors"
	"log/slog"

	"engram/data/space"
	"engram/index"
	"engram/index/local"
)

// Options say how indexes are opened.
type Options struct {
	// QdrantKey is the API key of Qdrant servers, "" where they want none.
	QdrantKey string
	// Cache is the folder on this machine for what belongs to an index on a server
	// (see LedgerDir).
	Cache string
	// ReadOnly opens the folder of an index as it is now, without its lock and
	// without changing anything in it (see local.OpenReadOnly). A collection is
	// open to many programs anyway.
	ReadOnly bool
	// Durability of what is written to a folder; "" is local.AtFlush. A server has its own.
	Durability local.Durability
	// Logger gets warnings and what the embedded engine does in the background; nil
	// means no log.
	Logger *slog.Logger
}

// Store opens an index: the folder of one, or a collection by its name or by the
// alias that it has at that time. index.ErrNotFound says that there is none.
func Store(ctx context.Context, name string, o Options) (index.Store, error) {
	return openStore(ctx, name, true, o)
}

// Follow is Store for a program that keeps the index open: an alias is followed
// from one collection to the next, and a folder that is read to what is written to it (see
// local.Follow).
func Follow(ctx context.Context, name string, o Options) (index.Store, error) {
	return openStore(ctx, name, false, o)
}

func openStore(ctx context.Context, name string, fixed bool, o Options) (index.Store, error) {
	of, err := engineOf(name)
	if err != nil {
		return nil, err
	}
	return of.open(ctx, name, fixed, o)
}

// Empty describes a new index.
type Empty struct {
	Dim        int               // elements of a vector
	Space      space.Space       // of the vectors
	Tokens     index.TokenFormat // that are kept of each item
	Collection Collection        // how it is set up if it is a collection
}

// Create makes an empty index and opens it. fs.ErrExist says that there is one
// of that name.
func Create(ctx context.Context, name string, e Empty, o Options) (index.Store, error) {
	of, err := engineOf(name)
	if err != nil {
		return nil, err
	}
	if err := of.check(name, e.Collection); err != nil {
		return nil, err
	}
	return of.create(ctx, name, e, o)
}

// OrCreate opens an index, or creates an empty one where there is none of that
// name. An index that is there gets the payload indexes that it lacks.
func OrCreate(ctx context.Context, name string, e Empty, o Options) (index.Store, error) {
	store, err := Store(ctx, name, o)
	if errors.Is(err, index.ErrNotFound) {
		return Create(ctx, name, e, o)
	}
	if err != nil {
		return nil, err
	}
	keys, err := e.Collection.payloadIndexes()
	if x, ok := store.(index.PayloadIndexer); ok && err == nil && len(keys) > 0 {
		err = x.IndexPayload(ctx, keys)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// Same reports whether two names are of one index, as far as the names tell.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	one, err := engineOf(a)
	other, failed := engineOf(b)
	return err == nil && failed == nil && one == other && one.clean(a) == one.clean(b)
}
