package qdrant

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"time"

	"engram/data/space"
	"engram/index"
)

// Options say which collection of which server to open, and how to ask it.
type Options struct {
	// Addr is host:port of the server's gRPC service, which listens on port
	// 6334 by default.
	Addr string
	// Collection is the name of a collection, or an alias of one. A store that is
	// opened by an alias follows it from one collection to the next, which have to
	// be of one dimension and model; if it is Fixed, it stays with the collection
	// that the alias names when it is opened.
	Collection string
	Fixed      bool
	// APIKey is sent with every call unless it is "". Without TLS anybody on
	// the way can read it.
	APIKey string
	// TLS encrypts the connection; nil means plain text.
	TLS *tls.Config
	// Vector is the name of the vector in the collection, "cls" by default.
	Vector string

	// Timeout bounds one attempt of a call, 30 s by default.
	Timeout time.Duration
	// Attempts is how often a call is tried while the server is busy or away, 5
	// by default.
	Attempts int
	// MaxReply is the size in bytes of the largest reply that is read, 256 MiB
	// by default.
	MaxReply int

	// ExactUpTo is the number of items up to which a search compares the query
	// with every one of them, 10,000 by default. Larger collections are searched
	// over the graph. A negative number means always over the graph.
	ExactUpTo int
	// EF is how many candidates a search over the graph keeps, 128 by default.
	// More of them find more of the nearest items, and take longer.
	EF int
	// Oversampling is how many times K candidates are taken by their codes and
	// then compared exactly: by default 2 with codes of a byte, 8 of a bit.
	Oversampling float64
}

func (o Options) withDefaults() (Options, error) {
	if o.Addr == "" || o.Collection == "" {
		return o, fmt.Errorf("qdrant: no collection at no server: got address %q and collection %q", o.Addr, o.Collection)
	}
	if o.Vector = cmp.Or(o.Vector, "cls"); o.Vector == tokenVector {
		return o, fmt.Errorf("qdrant: the vector is named %q, which is the name of tokens", o.Vector)
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.MaxReply = cmp.Or(o.MaxReply, 256<<20)
	o.ExactUpTo = cmp.Or(o.ExactUpTo, 10_000)
	o.EF = cmp.Or(o.EF, 128)
	return o, nil
}

// The kinds of payload indexes that other programs make.
const (
	other  index.PayloadKind = ""       // that filters here neither use nor fall into
	ranges index.PayloadKind = "ranges" // of whole numbers or times, whose ranges miss other numbers
	uuids  index.PayloadKind = "uuids"  // in any of the forms that a UUID is written in
)

// Schema describes a new collection.
type Schema struct {
	// Dim is the number of elements of a vector, 1 to 65,536.
	Dim int
	// Space of the vectors (see index.Info).
	Space space.Space
	// Tokens that are kept of each item (see index.TokenStore), 2^20 elements of an
	// item at most; the zero value keeps none. int8 tokens have 4 elements more each.
	Tokens index.TokenFormat
	// Labels are recorded with it (see index.Store).
	Labels map[string]string
	// Quantisation of the vectors, which the graph is searched with, index.Int8 by
	// default. Vectors without codes lie in memory.
	Quantisation index.Quantisation
	// Indexes are the payload keys that filters use often. They are made first,
	// because the graph takes them into account only while it is built. An index
	// of words is otherwise made by the first filter that needs one.
	Indexes map[string]index.PayloadKind

	Shards      int // parts that are spread over a cluster, 1 by default
	Replicas    int // copies of every part, 1 by default
	Consistency int // copies that must have a write before it is confirmed, 1 by default
	M           int // neighbours of an item in the graph, 16 by default
	EFConstruct int // candidates kept while the graph is built, 200 by default
}

// maxDim is the server's limit.
const maxDim = 65_536

func (s Schema) check() error {
	if s.Dim < 1 || s.Dim > maxDim {
		return fmt.Errorf("qdrant: a collection of dimension %d, wanted 1 to %d: %w", s.Dim, maxDim, index.ErrDimension)
	}
	if err := checkTokens(s.Tokens); err != nil {
		return err
	}
	if s.Quantisation != "" && !s.Quantisation.Known() {
		return fmt.Errorf("qdrant: quantisation is %q, wanted %s, %s or %s", s.Quantisation, index.Unquantised, index.Int8, index.Binary)
	}
	if err := checkIndexes(s.Indexes); err != nil {
		return err
	}
	for name, n := range map[string]int{"shards": s.Shards, "replicas": s.Replicas, "consistency": s.Consistency, "m": s.M, "ef": s.EFConstruct} {
		if n < 0 {
			return fmt.Errorf("qdrant: %d for %s, wanted 0 or more", n, name)
		}
	}
	return nil
}

// checkIndexes refuses indexes of payload keys that cannot be made.
func checkIndexes(keys map[string]index.PayloadKind) error {
	for key, kind := range keys {
		if key == "" || !kind.Known() {
			return fmt.Errorf("qdrant: an index of the payload key %q of kind %q, wanted a key and one of %q: %w", key, kind, index.PayloadKinds(), index.ErrPayload)
		}
	}
	return nil
}
