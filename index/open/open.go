package open

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"engram/data/space"
	"engram/index"
	"engram/index/local"
	"engram/index/qdrant"
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
// from one collection to the next.
func Follow(ctx context.Context, name string, o Options) (index.Store, error) {
	return openStore(ctx, name, false, o)
}

func openStore(ctx context.Context, name string, fixed bool, o Options) (index.Store, error) {
	if !IsCollection(name) {
		if err := checkFolder(name); err != nil {
			return nil, err
		}
		if o.ReadOnly {
			return reading(local.OpenReadOnly(name))
		}
		return o.watched(local.Open(name))
	}
	at, err := parse(name, o)
	if err != nil {
		return nil, err
	}
	at.Fixed = fixed
	store, err := qdrant.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	return store, nil
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
	if err := e.Collection.Check(name); err != nil {
		return nil, err
	}
	if !IsCollection(name) {
		if err := checkFolder(name); err != nil {
			return nil, err
		}
		return o.watched(local.Create(name, local.Options{Dim: e.Dim, Space: e.Space, Tokens: e.Tokens}))
	}
	if e.Tokens.Kept() {
		return nil, fmt.Errorf("%s is a collection, which keeps no tokens: build into a folder, or without --tokens: %w", name, index.ErrTokens)
	}
	at, err := parse(name, o)
	if err != nil {
		return nil, err
	}
	schema, err := e.schema()
	if err != nil {
		return nil, err
	}
	store, err := qdrant.Create(ctx, at, schema)
	if err != nil {
		return nil, err
	}
	return store, nil
}

// OrCreate opens an index, or creates an empty one where there is none of that
// name.
func OrCreate(ctx context.Context, name string, e Empty, o Options) (index.Store, error) {
	store, err := Store(ctx, name, o)
	if errors.Is(err, index.ErrNotFound) {
		return Create(ctx, name, e, o)
	}
	return store, err
}

// reading makes an index.Store of a store that nothing happens to.
func reading(store *local.Store, err error) (index.Store, error) {
	if err != nil { // or else the interface would not be nil
		return nil, err
	}
	return store, nil
}

// watched has what the store does in the background logged.
func (o Options) watched(store *local.Store, err error) (index.Store, error) {
	if err != nil { // or else the interface would not be nil
		return nil, err
	}
	if o.Logger == nil {
		return store, nil
	}
	store.Watch(func(e local.Event) {
		logger := o.Logger.With("bytes", e.Bytes)
		switch e.Step {
		case local.Begun:
			logger.Debug("writing rows from memory")
		case local.Finished:
			logger.Debug("wrote rows from memory", "took", e.Took)
		case local.Failed:
			logger.Error("rows in memory could not be written, the next write will fail", "took", e.Took, "error", e.Err)
		}
	})
	return store, nil
}

// Same reports whether two names are of one index, as far as the names tell.
func Same(a, b string) bool {
	return a == b || !IsCollection(a) && !IsCollection(b) && filepath.Clean(a) == filepath.Clean(b)
}

// checkFolder refuses an address of another kind. A folder of that name would be
// made otherwise.
func checkFolder(name string) error {
	if strings.Contains(name, "://") {
		return fmt.Errorf("%s is neither a folder nor a collection, wanted for the latter %s", name, Form)
	}
	return nil
}
