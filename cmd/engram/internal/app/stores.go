package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"engram/index"
	"engram/index/local"
	"engram/index/qdrant"
	"engram/index/source"
)

// CollectionForm is how users write a collection of a Qdrant server where they
// can write the folder of an index.
const CollectionForm = "qdrant://host:port/collection, or qdrants:// with TLS"

// isCollection reports whether a user means a collection.
func isCollection(name string) bool {
	scheme, _, _ := strings.Cut(name, "://")
	return scheme == "qdrant" || scheme == "qdrants"
}

// Index is an open index.
type Index struct {
	index.Store
	Name   string        // as the user writes it
	Info   index.Info    // as it was when the index was opened
	Origin source.Origin // what it was made from; the zero Origin where it does not say so
}

// OpenIndex opens an index by what the user writes: a folder, or a collection of
// a Qdrant server, by its name or by the alias that it has at that time.
func (a *App) OpenIndex(ctx context.Context, name string) (*Index, error) {
	return a.openIndex(ctx, name, true)
}

// followIndex is OpenIndex for a program that keeps an index open: an alias is
// followed from one collection to the next.
func (a *App) followIndex(ctx context.Context, name string) (*Index, error) {
	return a.openIndex(ctx, name, false)
}

func (a *App) openIndex(ctx context.Context, name string, fixed bool) (*Index, error) {
	store, err := a.openStore(ctx, name, fixed)
	if err != nil {
		return nil, err
	}
	x := &Index{Store: store, Name: name}
	if x.Origin, err = source.ReadOrigin(ctx, store); err != nil {
		err = fmt.Errorf("%s does not say where it comes from: %w", name, err)
	} else {
		x.Info, err = store.Info(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return x, nil
}

func (a *App) openStore(ctx context.Context, name string, fixed bool) (index.Store, error) {
	if isCollection(name) {
		opts, err := a.collectionOptions(name)
		if err != nil {
			return nil, err
		}
		opts.Fixed = fixed
		return qdrant.Open(ctx, opts)
	}
	if strings.Contains(name, "://") { // or else a folder of that name would be made
		return nil, fmt.Errorf("%s is neither a folder nor a collection, wanted for the latter %s", name, CollectionForm)
	}
	return local.Open(name)
}

// createIndex makes an empty index of the dimension and the space of info; where
// it is a collection, as set says.
func (a *App) createIndex(ctx context.Context, name string, info index.Info, set CollectionSpec) (*Index, error) {
	if !isCollection(name) {
		store, err := local.Create(name, local.Options{Dim: info.Dim, Space: info.Space})
		return &Index{Store: store, Name: name, Info: info}, err
	}
	opts, err := a.collectionOptions(name)
	if err != nil {
		return nil, err
	}
	schema, err := set.schema(info)
	if err != nil {
		return nil, err
	}
	store, err := qdrant.Create(ctx, opts, schema)
	return &Index{Store: store, Name: name, Info: info}, err
}

// keepOrigin records what an index was made from.
func (x *Index) keepOrigin(ctx context.Context, origin source.Origin) error {
	x.Origin = origin
	return source.KeepOrigin(ctx, x.Store, origin)
}

// buildLabel is the label of a collection that tells it from a later one of the
// same name.
const buildLabel = "build"

// ledgerDir returns the folder with the ledger of an index: the index's own
// folder, or for a collection one in the cache, whose ledger is of use as long as
// the collection is there.
func (a *App) ledgerDir(ctx context.Context, x *Index) (string, error) {
	if !isCollection(x.Name) {
		return x.Name, nil
	}
	labels, err := x.Labels(ctx)
	if err != nil {
		return "", err
	}
	if labels[buildLabel] == "" {
		labels[buildLabel] = rand.Text()
		if err := x.SetLabel(ctx, buildLabel, labels[buildLabel]); err != nil {
			return "", err
		}
	}
	dir, err := a.labelledDir(labels)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// labelledDir is ledgerDir of a collection with these labels.
func (a *App) labelledDir(labels map[string]string) (string, error) {
	cache, err := a.CacheDir()
	return filepath.Join(cache, "builds", labels[buildLabel]), err
}

// collectionOptions reads the address of a collection. The key comes from the
// environment, where it does not show in lists of processes.
func (a *App) collectionOptions(name string) (opts qdrant.Options, err error) {
	u, err := url.Parse(name)
	if err != nil {
		return opts, fmt.Errorf("%q is no address of a collection, wanted %s", name, CollectionForm)
	}
	collection := strings.TrimPrefix(u.Path, "/")
	if u.Hostname() == "" || collection == "" || strings.Contains(collection, "/") || u.RawQuery != "" || u.Fragment != "" {
		return opts, fmt.Errorf("%s is no address of a collection, wanted %s", u.Redacted(), CollectionForm)
	}
	if u.User != nil {
		return opts, fmt.Errorf("%s has a user or key in it: set the key as $ENGRAM_QDRANT_API_KEY", u.Redacted())
	}
	opts = qdrant.Options{
		Addr: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6334")), Collection: collection,
		APIKey: a.opts.QdrantKey,
	}
	if u.Scheme == "qdrants" {
		opts.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	} else if ip := net.ParseIP(u.Hostname()); opts.APIKey != "" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		a.opts.Logger.Warn("the key for Qdrant goes in plain text, qdrants:// would encrypt it", "server", opts.Addr)
	}
	return opts, nil
}

// ScratchCollection creates a collection of a name that nobody has, whose
// searches walk its graph and which filters by a whole number in payloads. The
// function that it returns drops the collection, also where ctx has ended.
func (a *App) ScratchCollection(ctx context.Context, name string, dim int, key string) (_ index.Bulk, drop func() error, err error) {
	opts, err := a.collectionOptions(name)
	if err != nil {
		return nil, nil, err
	}
	opts.ExactUpTo = -1
	store, err := qdrant.Create(ctx, opts, qdrant.Schema{Dim: dim, Indexes: map[string]qdrant.Kind{key: qdrant.Integer}})
	if err != nil {
		return nil, nil, err
	}
	return store, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(store.Drop(ctx), store.Close())
	}, nil
}
