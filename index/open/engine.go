package open

import (
	"context"
	"fmt"
	"strings"

	"engram/index"
)

// engine is one way to keep an index.
type engine interface {
	// open opens an index. A fixed one stays with what its name is now.
	open(ctx context.Context, name string, fixed bool, o Options) (index.Store, error)
	create(ctx context.Context, name string, e Empty, o Options) (index.Store, error)
	drop(ctx context.Context, name string, o Options) error
	// check refuses choices for a collection that cannot be followed.
	check(name string, c Collection) error
	// clean returns the one form of the name among several that mean the same index.
	clean(name string) string

	ledgerDir(ctx context.Context, name string, store index.Store, o Options) (string, error)
	findLedgerDir(ctx context.Context, name string, o Options) (string, error)
	partDir(dir, part string) string
}

// engineOf returns the engine of a name. It refuses an address of another scheme,
// which would be the path of a new folder otherwise.
func engineOf(name string) (engine, error) {
	scheme, _, address := strings.Cut(name, "://")
	if !address {
		return folders{}, nil
	}
	if scheme == "qdrant" || scheme == "qdrants" {
		return collections{}, nil
	}
	return nil, fmt.Errorf("%s is neither a folder nor a collection, wanted for the latter %s", name, Form)
}

// IsCollection reports whether a name is the address of a collection.
func IsCollection(name string) bool {
	found, err := engineOf(name)
	return err == nil && found == engine(collections{})
}
