package open

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"engram/index"
	"engram/index/qdrant"
)

// Form is how users write a collection of a Qdrant server where they can write
// the folder of an index.
const Form = "qdrant://host:port/collection, or qdrants:// with TLS"

// collections are collections of Qdrant servers, by their addresses.
type collections struct{}

func (collections) open(ctx context.Context, name string, fixed bool, o Options) (index.Store, error) {
	at, err := parse(name, o)
	if err != nil {
		return nil, err
	}
	at.Fixed = fixed
	store, err := qdrant.Open(ctx, at)
	if err != nil { // or else the interface would not be nil
		return nil, err
	}
	return store, nil
}

func (collections) create(ctx context.Context, name string, e Empty, o Options) (index.Store, error) {
	at, err := parse(name, o)
	if err != nil {
		return nil, err
	}
	schema, err := e.schema()
	if err != nil {
		return nil, err
	}
	store, err := qdrant.Create(ctx, at, schema)
	if err != nil { // or else the interface would not be nil
		return nil, err
	}
	return store, nil
}

func (collections) check(_ string, c Collection) error {
	_, err := Empty{Dim: 1, Collection: c}.schema()
	return err
}

func (collections) clean(name string) string { return name }

// parse reads the address of a collection.
func parse(name string, o Options) (at qdrant.Options, err error) {
	u, err := url.Parse(name)
	if err != nil {
		return at, fmt.Errorf("%q is no address of a collection, wanted %s", name, Form)
	}
	collection := strings.TrimPrefix(u.Path, "/")
	if u.Hostname() == "" || collection == "" || strings.Contains(collection, "/") || u.RawQuery != "" || u.Fragment != "" {
		return at, fmt.Errorf("%s is no address of a collection, wanted %s", u.Redacted(), Form)
	}
	if u.User != nil {
		return at, fmt.Errorf("%s has a user or key in it: set the key as $ENGRAM_QDRANT_API_KEY", u.Redacted())
	}
	at = qdrant.Options{
		Addr: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6334")), Collection: collection, APIKey: o.QdrantKey,
	}
	if u.Scheme == "qdrants" {
		at.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	} else if ip := net.ParseIP(u.Hostname()); o.Logger != nil && at.APIKey != "" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		o.Logger.Warn("the key for Qdrant goes in plain text, qdrants:// would encrypt it", "server", at.Addr)
	}
	return at, nil
}

// Collection says how a new collection is set up. The zero value leaves it to the
// server, with int8 codes. Of these choices an index in a folder has PayloadIndexes.
type Collection struct {
	// Quantisation is what a search reads in memory; "" means index.Int8.
	Quantisation     index.Quantisation
	Shards, Replicas int // 0: as the server has it
	// PayloadIndexes are the payload keys that filters use often (see
	// index.PayloadIndexer), with their index.PayloadKind. An index that is there
	// already gets the ones that it lacks.
	PayloadIndexes map[string]string
}

// Check refuses choices that cannot be followed in the index of a name. The
// error begins with the name of the choice.
func (c Collection) Check(name string) error {
	of, err := engineOf(name)
	if err != nil {
		return err
	}
	return of.check(name, c)
}

// schema returns the collection of an index.
func (e Empty) schema() (qdrant.Schema, error) {
	c := e.Collection
	s := qdrant.Schema{Dim: e.Dim, Space: e.Space, Tokens: e.Tokens, Quantisation: c.Quantisation, Shards: c.Shards, Replicas: c.Replicas}
	if c.Quantisation != "" && !c.Quantisation.Known() {
		return s, fmt.Errorf("quantisation is %q, wanted int8, binary or none", c.Quantisation)
	}
	if c.Shards < 0 {
		return s, fmt.Errorf("shards is %d, wanted 1 or more, or 0 for the server's own", c.Shards)
	}
	if c.Replicas < 0 {
		return s, fmt.Errorf("replicas is %d, wanted 1 or more, or 0 for the server's own", c.Replicas)
	}
	var err error
	s.Indexes, err = c.payloadIndexes()
	return s, err
}

// payloadIndexes returns PayloadIndexes with their kinds, nil for none.
func (c Collection) payloadIndexes() (map[string]index.PayloadKind, error) {
	var kinds map[string]index.PayloadKind
	for _, key := range slices.Sorted(maps.Keys(c.PayloadIndexes)) {
		kind := index.PayloadKind(c.PayloadIndexes[key])
		if key == "" {
			return nil, fmt.Errorf("payload-index =%s: wanted a key of the payload before the =", kind)
		}
		if !kind.Known() {
			wanted := make([]string, len(index.PayloadKinds()))
			for i, k := range index.PayloadKinds() {
				wanted[i] = string(k)
			}
			return nil, fmt.Errorf("payload-index %s=%s: wanted one of %s", key, kind, strings.Join(wanted, ", "))
		}
		if kinds == nil {
			kinds = map[string]index.PayloadKind{}
		}
		kinds[key] = kind
	}
	return kinds, nil
}

// Scratch creates a collection that searches go over the graph of, however few
// items it has. drop removes it, also where its context has ended.
func Scratch(ctx context.Context, name string, e Empty, o Options) (store index.Bulk, drop func(context.Context) error, err error) {
	at, err := parse(name, o)
	if err != nil {
		return nil, nil, err
	}
	schema, err := e.schema()
	if err != nil {
		return nil, nil, err
	}
	at.ExactUpTo = -1
	made, err := qdrant.Create(ctx, at, schema)
	if err != nil {
		return nil, nil, err
	}
	return made, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(made.Drop(ctx), made.Close())
	}, nil
}
