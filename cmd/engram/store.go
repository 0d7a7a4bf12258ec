package main

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

	"engram/index"
	"engram/index/local"
	"engram/index/qdrant"
	"engram/index/source"
)

// collectionForm is how users write a collection of a Qdrant server where they
// can write the folder of an index.
const collectionForm = "qdrant://host:port/collection, or qdrants:// with TLS"

// isCollection reports whether a user means a collection.
func isCollection(name string) bool {
	scheme, _, _ := strings.Cut(name, "://")
	return scheme == "qdrant" || scheme == "qdrants"
}

// openIndex opens an index by what the user writes: a folder, or a collection of
// a Qdrant server, by its name or by the alias that it has at that time. With it
// comes where it was made from, the zero Origin where it does not say so.
func (a *console) openIndex(ctx context.Context, name string) (index.Store, source.Origin, error) {
	return a.openStore(ctx, name, true)
}

// followIndex is openIndex for who keeps an index open: an alias is followed
// from one collection to the next.
func (a *console) followIndex(ctx context.Context, name string) (index.Store, source.Origin, error) {
	return a.openStore(ctx, name, false)
}

func (a *console) openStore(ctx context.Context, name string, fixed bool) (index.Store, source.Origin, error) {
	if isCollection(name) {
		return a.openCollection(ctx, name, fixed)
	}
	if strings.Contains(name, "://") { // or else a folder of that name would be made
		return nil, source.Origin{}, fmt.Errorf("%s is neither a folder nor a collection, wanted for the latter %s", name, collectionForm)
	}
	store, err := local.Open(name)
	if err != nil {
		return nil, source.Origin{}, err
	}
	origin, err := source.ReadOrigin(ctx, store)
	if err != nil {
		return nil, origin, errors.Join(err, store.Close())
	}
	return store, origin, nil
}

func (a *console) openCollection(ctx context.Context, name string, fixed bool) (_ index.Store, origin source.Origin, err error) {
	opts, err := a.collectionOptions(name)
	if err != nil {
		return nil, origin, err
	}
	opts.Fixed = fixed
	store, err := qdrant.Open(ctx, opts)
	if err != nil {
		return nil, origin, err
	}
	if origin, err = source.ReadOrigin(ctx, store); err != nil {
		return nil, origin, errors.Join(fmt.Errorf("%s does not say where it comes from: %w", name, err), store.Close())
	}
	return store, origin, nil
}

// makeIndex makes an empty index of what info says, a collection as it is set.
func (a *console) makeIndex(ctx context.Context, name string, info index.Info, set collectionFlags) (index.Store, error) {
	if !isCollection(name) {
		return local.Create(name, local.Options{Dim: info.Dim, Space: info.Space})
	}
	opts, err := a.collectionOptions(name)
	if err != nil {
		return nil, err
	}
	schema, err := set.schema(info)
	if err != nil {
		return nil, err
	}
	return qdrant.Create(ctx, opts, schema)
}

// buildLabel is the label of a collection that tells it from a later one of the
// same name.
const buildLabel = "build"

// manifestDir returns the folder with the manifest of an index that is built:
// that of the index, or one in the cache, whose manifest is of use as long as the
// collection is there.
func (a *console) manifestDir(ctx context.Context, name string, store index.Store) (string, error) {
	collection, ok := store.(*qdrant.Store)
	if !ok {
		return name, nil
	}
	labels, err := collection.Labels(ctx)
	if err != nil {
		return "", err
	}
	if labels[buildLabel] == "" {
		labels[buildLabel] = rand.Text()
		if err := collection.SetLabel(ctx, buildLabel, labels[buildLabel]); err != nil {
			return "", err
		}
	}
	dir, err := a.labelledDir(labels)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// labelledDir is manifestDir of a collection with these labels.
func (a *console) labelledDir(labels map[string]string) (string, error) {
	cache, err := a.cacheDir()
	return filepath.Join(cache, "builds", labels[buildLabel]), err
}

// collectionOptions reads the address of a collection. The key comes from the
// environment, where it does not show in lists of processes.
func (a *console) collectionOptions(name string) (opts qdrant.Options, err error) {
	u, err := url.Parse(name)
	if err != nil {
		return opts, fmt.Errorf("%q is no address of a collection, wanted %s", name, collectionForm)
	}
	collection := strings.TrimPrefix(u.Path, "/")
	if u.Hostname() == "" || collection == "" || strings.Contains(collection, "/") || u.RawQuery != "" || u.Fragment != "" {
		return opts, fmt.Errorf("%s is no address of a collection, wanted %s", u.Redacted(), collectionForm)
	}
	if u.User != nil {
		return opts, fmt.Errorf("%s has a user or key in it: set the key as $ENGRAM_QDRANT_API_KEY", u.Redacted())
	}
	opts = qdrant.Options{
		Addr: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6334")), Collection: collection,
		APIKey: cmp.Or(a.getenv("ENGRAM_QDRANT_API_KEY"), a.getenv("QDRANT_API_KEY")),
	}
	if u.Scheme == "qdrants" {
		opts.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	} else if ip := net.ParseIP(u.Hostname()); opts.APIKey != "" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		a.logger().Warn("the key for Qdrant goes in plain text, qdrants:// would encrypt it", "server", opts.Addr)
	}
	return opts, nil
}
