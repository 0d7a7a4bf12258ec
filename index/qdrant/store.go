package qdrant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"golang.org/x/sync/semaphore"
)

// Store is a collection of a Qdrant server. It implements index.Store.
type Store struct {
	*server
	opts   Options
	config config

	// view is a read-write lock: a read sees all of a write or nothing. Unlike that
	// of package sync, waiting for it ends with a context.
	view *semaphore.Weighted
	bulk bulk

	labelling sync.Mutex // held while a label is set

	mu         sync.Mutex // guards what follows
	closed     bool
	calls      sync.WaitGroup
	iterations map[*iteration]bool
	indexed    map[string]index.PayloadKind // payload indexes, by path
	points     int                          // about how many, when counted
	counted    time.Time
}

var _ index.Store = (*Store)(nil)

// exclusive is the weight of a write lock on the view; a read lock has weight 1.
const exclusive = math.MaxInt64

// Open opens a collection: index.ErrNotFound where the server has none of that
// name, index.ErrUnavailable where no server answers within seconds, ErrVersion
// where it is too old or too new, fs.ErrPermission where it refuses the key.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	srv, err := connect(ctx, opts)
	if err != nil {
		return nil, err
	}
	return open(ctx, srv, opts)
}

// open opens a collection of a server, which it closes after an error.
func open(ctx context.Context, srv *server, opts Options) (*Store, error) {
	s := &Store{server: srv, opts: opts, view: semaphore.NewWeighted(exclusive), iterations: map[*iteration]bool{}}
	info, err := s.find(ctx)
	if err == nil {
		s.config, err = readConfig(info, s.opts)
	}
	if err != nil {
		_ = srv.client.Close() // the first error counts
		return nil, err
	}
	s.opts.Oversampling = oversampling(opts.Oversampling, s.config.quantisation)
	s.indexed = readIndexes(info)
	s.points, s.counted = int(info.GetPointsCount()), time.Now()
	return s, nil
}

// find returns the state of the collection that is to be opened.
func (s *Store) find(ctx context.Context) (*api.CollectionInfo, error) {
	if s.opts.Fixed {
		aliases, err := s.aliases(ctx)
		if err != nil {
			return nil, err
		}
		s.opts.Collection = cmp.Or(aliases[s.opts.Collection], s.opts.Collection)
	}
	return s.collection(ctx, s.opts.Collection)
}

// healthTimeout bounds the first call to a server.
const healthTimeout = 5 * time.Second

// connect makes the connections and asks the server how it does.
func connect(ctx context.Context, opts Options) (*server, error) {
	srv, err := dial(opts)
	if err != nil {
		return nil, err
	}
	first := &server{client: srv.client, addr: srv.addr, timeout: min(srv.timeout, healthTimeout), attempts: srv.attempts}
	reply, err := call(ctx, first, "connect", srv.client.HealthCheck)
	if err == nil {
		err = checkVersion(reply.GetVersion(), srv.addr)
	}
	if err != nil {
		_ = srv.client.Close() // the first error counts
		return nil, err
	}
	return srv, nil
}

// checkVersion wants a server that keeps metadata with a collection and has the
// fields that the client knows.
func checkVersion(version, addr string) error {
	v, err := api.ParseVersion(version)
	if err != nil || v.Major != 1 || v.Minor < 17 {
		return fmt.Errorf("qdrant: the server at %s is of version %q, wanted 1.17 or later of 1.x: %w", addr, version, ErrVersion)
	}
	return nil
}

// collection asks for the state of a collection.
func (s *server) collection(ctx context.Context, name string) (*api.CollectionInfo, error) {
	return call(ctx, s, "read collection "+name, func(ctx context.Context) (*api.CollectionInfo, error) {
		return s.client.GetCollectionInfo(ctx, name)
	})
}

// aliases returns the names of collections by their aliases.
func (s *server) aliases(ctx context.Context) (map[string]string, error) {
	listed, err := call(ctx, s, "list aliases", s.client.ListAliases)
	aliases := make(map[string]string, len(listed))
	for _, a := range listed {
		aliases[a.GetAliasName()] = a.GetCollectionName()
	}
	return aliases, err
}

// Collection returns the name of the collection: the alias that the store was
// opened by, unless Options.Fixed.
func (s *Store) Collection() string { return s.opts.Collection }

// Info implements index.Store.
func (s *Store) Info(ctx context.Context) (index.Info, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return index.Info{}, err
	}
	defer release()
	n, err := s.count(ctx)
	if err != nil {
		return index.Info{}, err
	}
	return index.Info{Engine: "qdrant", Dim: s.config.dim, Count: n, Space: s.config.space, Tokens: s.config.tokens}, nil
}

// count returns the number of items.
func (s *Store) count(ctx context.Context) (int, error) {
	n, err := call(ctx, s.server, "count", func(ctx context.Context) (uint64, error) {
		return s.client.Count(ctx, &api.CountPoints{CollectionName: s.opts.Collection, Exact: new(true)})
	})
	return int(n), err
}

// Flush implements index.Store. The server has written to its log what it has
// confirmed.
func (s *Store) Flush(ctx context.Context) error {
	release, err := s.acquire(ctx)
	if err == nil {
		release()
	}
	return err
}

// Close implements index.Store. It waits for calls and iterations that are under
// way, so it must not be called from within one. Of a bulk load that was not
// ended it lets the server build the graph, and does not wait for that.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	var err error
	if s.bulk.on.Load() {
		err = s.setIndexing(context.Background(), indexingThreshold)
	}
	return errors.Join(err, s.client.Close())
}

// acquire keeps the store open until release is called.
func (s *Store) acquire(ctx context.Context) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.calls.Add(1)
	return s.calls.Done, nil
}

// reading keeps the store open and writes away until release is called.
func (s *Store) reading(ctx context.Context) (release func(), err error) { return s.hold(ctx, 1) }

// writing keeps the store open and everybody else away until release is called.
func (s *Store) writing(ctx context.Context) (release func(), err error) {
	return s.hold(ctx, exclusive)
}

func (s *Store) hold(ctx context.Context, weight int64) (release func(), err error) {
	done, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.view.Acquire(ctx, weight); err != nil {
		done()
		return nil, err
	}
	return func() { s.view.Release(weight); done() }, nil
}
