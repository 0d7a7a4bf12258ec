package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"engram/data/vfs"
	"engram/httpapi"
	"engram/index"
	"engram/index/local"
	"engram/index/open"
)

// collections are the indexes in a folder. A server opens each when it is first asked for.
type collections struct {
	app      *App
	service  *Service
	folder   string
	writable bool
	own      httpapi.Options // of the server's own index, with its encoders
	models   *collectionModels

	mu     sync.Mutex
	opened map[string]openCollection
	// building are the names of collections that a job writes. A server that writes does not
	// open them meanwhile.
	building []string
}

// openCollection is a collection with what is open for it.
type openCollection struct {
	*httpapi.Collection
	closers []io.Closer
}

// openCollections returns the collections in a folder, which is made where it is missing.
func (s *Service) openCollections(a *App, spec ServeSpec, opts httpapi.Options) (*collections, error) {
	if err := vfs.MkdirAll(spec.Collections, 0o755); err != nil {
		return nil, err
	}
	if spec.MaxModels < 0 {
		return nil, fmt.Errorf("--max-models is %d, wanted 1 or more", spec.MaxModels)
	}
	c := &collections{
		app: a, service: s, folder: spec.Collections, writable: spec.Writable, own: opts,
		models: newCollectionModels(a, spec.MaxModels), opened: map[string]openCollection{},
	}
	s.collections, s.opened = c.models, append(s.opened, c.models, c)
	return c, nil
}

// Names implements httpapi.Collections.
func (c *collections) Names(context.Context) ([]string, error) {
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries { // in the order of their names
		if local.Exists(filepath.Join(c.folder, entry.Name())) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Open implements httpapi.Collections.
func (c *collections) Open(ctx context.Context, name string) (*httpapi.Collection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.opened[name]; ok {
		return known.Collection, nil
	}
	if c.writable && slices.Contains(c.building, name) {
		return nil, fmt.Errorf("a job builds the collection %q: %w", name, index.ErrLocked)
	}
	// The collection stays open when the request has ended.
	x, err := c.app.openServed(context.WithoutCancel(ctx), filepath.Join(c.folder, name), c.writable)
	if err != nil {
		return nil, err
	}
	found := openCollection{&httpapi.Collection{Store: x.Store}, []io.Closer{x}}
	images, err := c.service.openImages(ctx, x, "")
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	if images != nil {
		found.Images, found.closers = images, append(found.closers, images)
	}
	switch of := x.Info.Space; {
	case !of.Known():
		found.NoText = "nobody says which model made this collection, so that it cannot be searched by words"
		found.NoEncoder = "nobody says which model made this collection, so that it cannot be searched by image"
	case c.own.Encoder != nil && of.Same(c.own.Encoder.Space):
		found.Encoder, found.Text, found.NoText = c.own.Encoder, c.own.Text, c.own.NoText
	default:
		found.Encoder, found.Text = c.models.of(x)
	}
	c.opened[name] = found
	return found.Collection, nil
}

// has reports whether there is a collection of a name.
func (c *collections) has(name string) bool { return local.Exists(filepath.Join(c.folder, name)) }

// begin closes a collection until end, so that a build may write it. Where it is open
// for writing, whoever asks for it meanwhile is told to come again. Requests under way end first.
func (c *collections) begin(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.building = append(c.building, name)
	return c.forget(name)
}

// end lets a collection be opened again.
func (c *collections) end(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.building = slices.DeleteFunc(c.building, func(other string) bool { return other == name })
}

// release closes a collection until it is asked for again. Requests under way end first.
func (c *collections) release(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forget(name)
}

// forget closes a collection where it is open. The caller holds the lock.
func (c *collections) forget(name string) error {
	known, ok := c.opened[name]
	if !ok {
		return nil
	}
	delete(c.opened, name)
	return known.close()
}

// Create implements httpapi.Collections.
func (c *collections) Create(ctx context.Context, wanted httpapi.NewCollection) error {
	path := filepath.Join(c.folder, wanted.Name)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	x, err := c.app.createIndex(ctx, path, open.Empty{Dim: wanted.Dim, Space: wanted.Space})
	if err != nil {
		return err
	}
	return x.Close()
}

// Drop implements httpapi.Collections. Requests under way end first.
func (c *collections) Drop(ctx context.Context, name string) error {
	if err := c.release(name); err != nil {
		return err
	}
	return open.Drop(ctx, filepath.Join(c.folder, name), c.app.storeOptions())
}

// Close closes all that are open.
func (c *collections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var faults []error
	for _, known := range c.opened {
		faults = append(faults, known.close())
	}
	c.opened = nil
	return errors.Join(faults...)
}

func (c openCollection) close() error {
	var faults []error
	for _, closer := range slices.Backward(c.closers) {
		faults = append(faults, closer.Close())
	}
	return errors.Join(faults...)
}

// snapshots returns what makes snapshots in a folder, by the name of the collection and
// the time.
func snapshots(folder string) func(context.Context, string, index.Store) (string, error) {
	return func(ctx context.Context, name string, store index.Store) (string, error) {
		made, ok := store.(index.Snapshotter)
		if !ok {
			return "", fmt.Errorf("%s is on a server, which keeps snapshots itself", name)
		}
		if err := vfs.MkdirAll(folder, 0o755); err != nil {
			return "", err
		}
		at := name + "-" + strings.ReplaceAll(time.Now().UTC().Format("20060102T150405.000"), ".", "")
		return at, made.Snapshot(ctx, filepath.Join(folder, at))
	}
}
