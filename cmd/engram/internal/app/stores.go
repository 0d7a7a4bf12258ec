package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/open"
	"engram/index/source"
)

// Index is an open index.
type Index struct {
	index.Store
	Name    string          // as the user writes it
	Info    index.Info      // as it was when the index was opened
	Origin  source.Origin   // the first of Origins; the zero Origin where there is none
	Origins []source.Origin // what it was made from
}

// OpenIndex opens an index for reading by what the user writes: a folder, as it is
// at that time, or a collection of a Qdrant server, by its name or by the alias
// that it has at that time.
func (a *App) OpenIndex(ctx context.Context, name string) (*Index, error) {
	opts := a.storeOptions()
	opts.ReadOnly = true
	store, err := open.Store(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// openForWriting is OpenIndex for reading and writing.
func (a *App) openForWriting(ctx context.Context, name string) (*Index, error) {
	store, err := open.Store(ctx, name, a.storeOptions())
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// followIndex is OpenIndex for a program that keeps an index open: an alias is
// followed from one collection to the next.
func (a *App) followIndex(ctx context.Context, name string) (*Index, error) {
	opts := a.storeOptions()
	opts.ReadOnly = true
	store, err := open.Follow(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// openServed opens an index that a server reads, or writes too. Then each write is durable
// when it returns.
func (a *App) openServed(ctx context.Context, name string, writable bool) (*Index, error) {
	if !writable {
		return a.followIndex(ctx, name)
	}
	opts := a.storeOptions()
	opts.Durability = local.Grouped
	store, err := open.Follow(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// createIndex creates an empty index.
func (a *App) createIndex(ctx context.Context, name string, empty open.Empty) (*Index, error) {
	store, err := open.Create(ctx, name, empty, a.storeOptions())
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// openOrCreate opens an index, or creates an empty one.
func (a *App) openOrCreate(ctx context.Context, name string, empty open.Empty) (*Index, error) {
	store, err := open.OrCreate(ctx, name, empty, a.storeOptions())
	if err != nil {
		return nil, err
	}
	return describe(ctx, name, store)
}

// storeOptions says how indexes are opened.
func (a *App) storeOptions() open.Options {
	cache, _ := a.CacheDir() // ledger tells of the error
	return open.Options{QdrantKey: a.opts.QdrantKey, Cache: cache, Logger: a.opts.Logger}
}

// describe reads what an open store says of itself, and closes it after an
// error.
func describe(ctx context.Context, name string, store index.Store) (*Index, error) {
	x := &Index{Store: store, Name: name}
	var err error
	if x.Origins, err = source.ReadOrigins(ctx, store); err != nil {
		err = fmt.Errorf("%s does not say where it comes from: %w", name, err)
	} else {
		x.Info, err = store.Info(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if len(x.Origins) > 0 {
		x.Origin = x.Origins[0]
	}
	return x, nil
}

// origins names the sources of an index, "" where it does not say.
func (x *Index) origins() string {
	var names []string
	for _, o := range x.Origins {
		names = append(names, o.String())
	}
	return strings.Join(names, " and ")
}

// empty describes an empty index of the same kind.
func (x *Index) empty(set open.Collection) open.Empty {
	return open.Empty{Dim: x.Info.Dim, Space: x.Info.Space, Tokens: x.Info.Tokens, Collection: set}
}

// keepOrigin records what the items of an index with its label were made from.
func (x *Index) keepOrigin(ctx context.Context, origin source.Origin) error {
	i := slices.IndexFunc(x.Origins, func(o source.Origin) bool { return o.Label == origin.Label })
	if i < 0 {
		i, x.Origins = len(x.Origins), append(x.Origins, origin)
	}
	x.Origins[i] = origin
	x.Origin = x.Origins[0]
	return source.KeepOrigin(ctx, x.Store, origin)
}

// keepOrigins records all sources of an index.
func (x *Index) keepOrigins(ctx context.Context, origins []source.Origin) error {
	for _, o := range origins {
		if err := x.keepOrigin(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// openLedger opens the ledger of an index or of a part of it.
func (a *App) openLedger(ctx context.Context, x *Index, part ingest.Part) (*ingest.Ledger, error) {
	if open.IsCollection(x.Name) {
		if _, err := a.CacheDir(); err != nil {
			return nil, err
		}
	}
	dir, err := open.LedgerDir(ctx, x.Name, x.Store, a.storeOptions())
	if err != nil {
		return nil, err
	}
	dir = partDir(dir, x.Name, part)
	if err := vfs.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return ingest.OpenLedger(dir)
}

// partDir returns the folder with the ledger of a part of an index.
func partDir(dir, name string, part ingest.Part) string {
	if part == (ingest.Part{}) {
		return dir
	}
	return open.PartDir(dir, name, part.String())
}

// Switch lets an alias of a Qdrant server name a collection, in place of the one
// that it names now.
func (a *App) Switch(ctx context.Context, spec open.Alias, _ progress.Func) (*open.Switched, error) {
	return open.Switch(ctx, spec, a.storeOptions())
}

// Scratch creates a collection for measurements, whose searches walk its graph.
// The function that it returns drops the collection, also where its context has
// ended.
func (a *App) Scratch(ctx context.Context, name string, empty open.Empty) (index.Bulk, func(context.Context) error, error) {
	return open.Scratch(ctx, name, empty, a.storeOptions())
}
