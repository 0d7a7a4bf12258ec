package open

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"engram/index"
	"engram/index/local"
)

// folders are indexes of the embedded engine, by their paths.
type folders struct{}

func (folders) open(_ context.Context, name string, fixed bool, o Options) (index.Store, error) {
	if o.ReadOnly && !fixed {
		store, err := local.Follow(name, func(err error) {
			if o.Logger != nil {
				o.Logger.Error("what was written to the index cannot be read, searches go on with what was there before", "error", err)
			}
		})
		return o.reading(store, err)
	}
	if o.ReadOnly {
		store, err := local.OpenReadOnly(name)
		return o.reading(store, err)
	}
	store, err := local.Open(name)
	if err == nil && o.Durability != "" {
		if err = store.SetDurability(o.Durability); err != nil {
			err = errors.Join(err, store.Close())
		}
	}
	return o.watched(store, err)
}

func (folders) create(_ context.Context, name string, e Empty, o Options) (index.Store, error) {
	indexes, err := e.Collection.payloadIndexes()
	if err != nil {
		return nil, err
	}
	return o.watched(local.Create(name, local.Options{Dim: e.Dim, Space: e.Space, Tokens: e.Tokens, Indexes: indexes}))
}

// check refuses every choice but payload indexes, for a folder has no other.
func (folders) check(name string, c Collection) error {
	found := "the folder " + name
	if name == "" {
		found = "no --out"
	}
	for _, choice := range []struct {
		name string
		made bool
	}{
		{"quantisation", c.Quantisation != ""}, {"shards", c.Shards != 0}, {"replicas", c.Replicas != 0},
	} {
		if choice.made {
			return fmt.Errorf("%s is for a collection, wanted %s, found %s", choice.name, Form, found)
		}
	}
	_, err := c.payloadIndexes()
	return err
}

func (folders) clean(name string) string { return filepath.Clean(name) }

func (folders) ledgerDir(_ context.Context, name string, _ index.Store, _ Options) (string, error) {
	return name, nil
}

func (folders) findLedgerDir(_ context.Context, name string, _ Options) (string, error) {
	return name, nil
}

// partDir returns the index's own folder, for it has one part.
func (folders) partDir(dir, _ string) string { return dir }

// reading makes an index.Store of a store that nothing happens to, and has what was found
// in its log logged.
func (o Options) reading(store *local.Store, err error) (index.Store, error) {
	if err != nil { // or else the interface would not be nil
		return nil, err
	}
	if o.Logger != nil {
		o.logRecovery(store.Recovery())
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
	o.logRecovery(store.Recovery())
	store.Watch(func(e local.Event) {
		if e.Items > 0 {
			o.logGraph(e)
			return
		}
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

// logRecovery logs what opening an index found in its log.
func (o Options) logRecovery(r local.Recovery) {
	if r.Records > 0 {
		o.Logger.Debug("applied the log", "records", r.Records)
	}
	if r.Torn > 0 {
		o.Logger.Warn("the end of the log is torn and was left out", "bytes", r.Torn)
	}
	for _, segment := range r.Segments {
		o.Logger.Error("items of the index cannot be read, the others are found", "most", segment.Rows, "error", segment.Err)
	}
	for _, damage := range r.Damage {
		o.Logger.Error("records of the index are lost, the others can be read", "error", damage)
	}
}

// logGraph logs the building of a graph in the background.
func (o Options) logGraph(e local.Event) {
	logger := o.Logger.With("items", e.Items)
	switch e.Step {
	case local.Begun:
		logger.Debug("building a graph")
	case local.Finished:
		logger.Debug("built a graph", "took", e.Took)
	case local.Failed:
		logger.Error("a graph could not be built, its items are compared one by one", "took", e.Took, "error", e.Err)
	}
}
