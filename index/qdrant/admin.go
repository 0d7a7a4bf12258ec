package qdrant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

var _ index.ServerSnapshotter = (*Store)(nil)

// SnapshotOnServer implements index.ServerSnapshotter. The snapshot is one file on the node
// that was asked, which is listed, downloaded, restored and deleted by the server's REST
// interface. It takes disk space as the collection does, and may take longer than
// Options.Timeout, which does not bound it: ctx does.
func (s *Store) SnapshotOnServer(ctx context.Context) (index.ServerSnapshot, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return index.ServerSnapshot{}, err
	}
	defer release()
	made, err := s.client.CreateSnapshot(ctx, s.opts.Collection)
	if err != nil {
		return index.ServerSnapshot{}, s.explain(ctx, "snapshot", err)
	}
	return index.ServerSnapshot{Name: made.GetName(), Bytes: made.GetSize()}, nil
}

// ErrAlias says that a name cannot be an alias.
var ErrAlias = errors.New("unusable alias")

// notInNames are the characters that the server refuses in the name of a
// collection, but not in an alias.
const notInNames = "<>:\"/\\|?*\x00\x1f"

// CheckAlias refuses a name (ErrAlias) by which no collection could be asked for.
func CheckAlias(alias string) error {
	if alias == "" {
		return fmt.Errorf("qdrant: the alias is empty: %w", ErrAlias)
	}
	if i := strings.IndexAny(alias, notInNames); i >= 0 {
		return fmt.Errorf("qdrant: the alias %q has a %q in it, which no name of a collection can have: %w", alias, alias[i], ErrAlias)
	}
	return nil
}

// TakeAlias lets alias name this collection, in place of the one that it names
// now, in one step: who opens or asks the alias gets one or the other. It returns
// the name of the latter, "" where there is none. ErrAlias refuses, besides what
// CheckAlias does, the name of a collection.
//
// Before, the collection gets those indexes of payloads of a Kind that the other
// one has and it has not: a store that was opened by the alias counts on them. Where
// another program moves the alias, it may miss items that a filter of words or
// whole numbers chooses until it looks again, within a minute.
//
// To rebuild an index without an interruption, open it by an alias, build a
// collection of another name, and let that take the alias.
func (s *Store) TakeAlias(ctx context.Context, alias string) (before string, err error) {
	if err := CheckAlias(alias); err != nil {
		return "", err
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	aliases, err := s.aliases(ctx)
	if err != nil {
		return "", err
	}
	var steps []*api.AliasOperations
	if before = aliases[alias]; before != "" {
		steps = append(steps, api.NewAliasDelete(alias))
		err = s.indexLike(ctx, before)
	} else {
		err = s.refuseCollection(ctx, alias)
	}
	if err != nil {
		return "", err
	}
	steps = append(steps, api.NewAliasCreate(alias, s.opts.Collection))
	_, err = once(ctx, s.server, "take alias "+alias, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.client.UpdateAliases(ctx, steps)
	})
	return before, err
}

// refuseCollection returns an error where the server has a collection of a name.
func (s *Store) refuseCollection(ctx context.Context, name string) error {
	switch _, err := s.collection(ctx, name); {
	case err == nil:
		return fmt.Errorf("qdrant: %s is the name of a collection at %s: %w", name, s.addr, ErrAlias)
	case !errors.Is(err, index.ErrNotFound):
		return err
	}
	return nil
}

// indexLike makes the indexes of payloads that another collection has.
func (s *Store) indexLike(ctx context.Context, other string) error {
	info, err := s.collection(ctx, other)
	if err != nil {
		return err
	}
	for path, kind := range readIndexes(info) {
		s.mu.Lock()
		_, there := s.indexed[path]
		s.mu.Unlock()
		if there || !kind.Known() {
			continue
		}
		if err := s.createIndexAt(ctx, path, kind); err != nil {
			return err
		}
	}
	return nil
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
