package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"sync"

	"engram/data/space"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/httpapi/pictures"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// Collection is an index that a server has beside its own, and what turns a query into a
// vector of its space. All but Store may be missing (see Options).
type Collection struct {
	Store     index.Store
	Data      string // where its items come from
	Images    pictures.Source
	Encoder   *Encoder
	NoEncoder string
	Text      *TextEncoder
	NoText    string
}

// NewCollection describes a collection that is to be created.
type NewCollection struct {
	Name  string      `json:"name"`
	Dim   int         `json:"dim"`   // elements of a vector; 0: as the server's own index
	Space space.Space `json:"model"` // of the vectors; with Dim 0 the server's own index's
}

// Collections are what a server has beside its own index. It is safe for concurrent use.
type Collections interface {
	// Names returns the names of all, in alphabetical order.
	Names(ctx context.Context) ([]string, error)
	// Open returns a collection, the same one until it is dropped. index.ErrNotFound says
	// that there is none of that name.
	Open(ctx context.Context, name string) (*Collection, error)
	// Create makes an empty collection; fs.ErrExist says that there is one of that name.
	Create(ctx context.Context, c NewCollection) error
	// Drop deletes a collection with its items.
	Drop(ctx context.Context, name string) error
}

// collectionNames match what is the name of a folder on every system, and no more.
var collectionNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// ValidName reports whether a collection or a subject may have a name.
func ValidName(name string) bool { return collectionNames.MatchString(name) }

// opened are the servers of collections, by name.
type opened struct {
	mu      sync.Mutex
	servers map[string]collectionServer
}

// collectionServer answers for a collection with the limits and counters of the server
// that has it.
type collectionServer struct {
	of     *Collection
	server *Server
}

// collection returns the server of a collection, s itself for its own index.
func (s *Server) collection(ctx context.Context, name string) (*Server, error) {
	if name == s.ownName() {
		return s, nil
	}
	if s.opts.Collections == nil || !collectionNames.MatchString(name) {
		return nil, fmt.Errorf("there is no collection %.100q: %w", name, index.ErrNotFound)
	}
	found, err := s.opts.Collections.Open(ctx, name)
	if errors.Is(err, index.ErrNotFound) { // whose text has a path of the disk
		return nil, fmt.Errorf("there is no collection %q: %w", name, index.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	s.opened.mu.Lock()
	defer s.opened.mu.Unlock()
	known := s.opened.servers[name]
	if known.of != found {
		known = collectionServer{found, s.serverOf(name, found)}
		if s.opened.servers == nil {
			s.opened.servers = map[string]collectionServer{}
		}
		s.opened.servers[name] = known
	}
	return known.server, nil
}

// serverOf returns a server of a collection.
func (s *Server) serverOf(name string, c *Collection) *Server {
	opts := s.opts
	opts.Store, opts.IndexName, opts.IndexData, opts.Images = c.Store, name, c.Data, c.Images
	opts.Encoder, opts.NoEncoder, opts.Text, opts.NoText = c.Encoder, c.NoEncoder, c.Text, c.NoText
	opts.Decoder, opts.Trials, opts.Subjects, opts.Suggestions = nil, nil, nil, nil
	return s.with(opts, "v1/collections/"+name+"/")
}

// ownName returns the name of the server's own index.
func (s *Server) ownName() string { return cmp.Or(s.opts.IndexName, "default") }

// collectionNames returns the names of all collections, the server's own index first.
func (s *Server) collectionNames(ctx context.Context) ([]string, error) {
	list := []string{s.ownName()}
	if s.opts.Collections == nil {
		return list, nil
	}
	names, err := s.opts.Collections.Names(ctx)
	for _, name := range names {
		if name != list[0] {
			list = append(list, name)
		}
	}
	return list, err
}

// collectionNamed is a line of the list of collections.
type collectionNamed struct {
	Name    string `json:"name"`
	Default bool   `json:"default,omitempty"` // the routes without a collection are of it
}

// collectionView describes a collection.
type collectionView struct {
	collectionNamed
	indexView
	Writable bool `json:"writable"`
}

// listCollections answers GET /v1/collections.
func (s *Server) listCollections(c *gin.Context) error {
	names, err := s.collectionNames(c.Request.Context())
	if err != nil {
		return err
	}
	list := make([]collectionNamed, len(names))
	for i, name := range names {
		list[i] = collectionNamed{Name: name, Default: i == 0}
	}
	writeJSON(c, http.StatusOK, "application/json", struct {
		Collections []collectionNamed `json:"collections"`
	}{list})
	return nil
}

// describeCollection answers GET /v1/collections/{collection}.
func (s *Server) describeCollection(c *gin.Context) error {
	in, err := s.collection(c.Request.Context(), c.Param("collection"))
	if err != nil {
		return err
	}
	return s.writeCollection(c, in, http.StatusOK)
}

func (s *Server) writeCollection(c *gin.Context, in *Server, status int) error {
	view, err := in.viewIndex(c.Request.Context())
	if err != nil {
		return err
	}
	writeJSON(c, status, "application/json", collectionView{
		collectionNamed: collectionNamed{Name: in.ownName(), Default: in == s}, indexView: view, Writable: in.opts.Writable,
	})
	return nil
}

// createCollection answers POST /v1/collections.
func (s *Server) createCollection(c *gin.Context) error {
	raw, err := s.readWrite(c)
	if err != nil {
		return err
	}
	if err := s.keepsCollections(); err != nil {
		return err
	}
	var wanted NewCollection
	if err := query.ReadObject(raw, &wanted, []string{"name", "dim", "model"}); err != nil {
		return err
	}
	if !collectionNames.MatchString(wanted.Name) {
		return fmt.Errorf("the name of a collection is %.100q, wanted up to 100 letters, digits, points, hyphens and underscores, the first a letter or a digit: %w",
			wanted.Name, problem.ErrQuery)
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.opts.WriteTimeout)
	defer cancel()
	if wanted.Dim == 0 {
		info, err := s.opts.Store.Info(ctx)
		if err != nil {
			return err
		}
		wanted.Dim, wanted.Space = info.Dim, info.Space
	}
	if wanted.Dim < 1 || wanted.Dim > maxDim {
		return fmt.Errorf("a vector has %d elements, wanted 1 to %d: %w", wanted.Dim, maxDim, problem.ErrQuery)
	}
	if wanted.Name == s.ownName() {
		return fmt.Errorf("there is a collection %q already: %w", wanted.Name, problem.ErrExists)
	}
	if err := s.opts.Collections.Create(ctx, wanted); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a collection %q already: %w", wanted.Name, problem.ErrExists)
	} else if err != nil {
		return err
	}
	in, err := s.collection(ctx, wanted.Name)
	if err != nil {
		return err
	}
	return s.writeCollection(c, in, http.StatusCreated)
}

// maxDim bounds the elements of the vectors of a new collection: the largest encoders have
// 4,096.
const maxDim = 65_536

// keepsCollections refuses what only a server with a folder of collections does.
func (s *Server) keepsCollections() error {
	if s.opts.Collections == nil {
		return fmt.Errorf("this server has its own index alone; engram serve --collections names a folder of others: %w", problem.ErrNotServed)
	}
	return nil
}

// dropCollection answers DELETE /v1/collections/{collection}.
func (s *Server) dropCollection(c *gin.Context) error {
	name := c.Param("collection")
	in, err := s.collection(c.Request.Context(), name)
	switch {
	case err != nil:
		return err
	case !s.opts.Writable:
		return fmt.Errorf("this server only reads; engram serve --writable writes too: %w", index.ErrReadOnly)
	case in == s:
		return fmt.Errorf("%q is the server's own index, which engram index drop deletes: %w", name, problem.ErrForbidden)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), s.opts.WriteTimeout)
	defer cancel()
	err = s.opts.Collections.Drop(ctx, name)
	if errors.Is(err, index.ErrNotFound) { // whose text has a path of the disk
		return fmt.Errorf("there is no collection %q: %w", name, index.ErrNotFound)
	}
	if err != nil {
		return err
	}
	s.opened.mu.Lock()
	defer s.opened.mu.Unlock()
	delete(s.opened.servers, name)
	writeJSON(c, http.StatusOK, "application/json", statusView{"dropped"})
	return nil
}

// snapshotCollection answers POST /v1/collections/{collection}/snapshots.
func (s *Server) snapshotCollection(c *gin.Context) error {
	if s.opts.Snapshot == nil {
		return fmt.Errorf("this server makes no snapshots; engram serve --snapshots names a folder for them: %w", problem.ErrNotServed)
	}
	in, err := s.collection(c.Request.Context(), c.Param("collection"))
	if err != nil {
		return err
	}
	ctx, leave, err := s.begin(c, s.opts.WriteTimeout)
	if err != nil {
		return err
	}
	defer leave()
	name, err := s.opts.Snapshot(ctx, in.ownName(), in.opts.Store)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusCreated, "application/json", struct {
		Name string `json:"name"`
	}{name})
	return nil
}

// inCollection returns the handler of a route of the collection that the address names.
func (s *Server) inCollection(handle func(*Server, *gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		in, err := s.collection(c.Request.Context(), c.Param("collection"))
		if err != nil {
			return err
		}
		return handle(in, c)
	}
}
