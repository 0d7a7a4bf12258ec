package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/httpapi/keys"

	"github.com/gin-gonic/gin"
)

// route is one line of the interface. openapi.yaml has the same list.
type route struct {
	method, path string
	access       access
	options      []string // that its address can have
	maxBody      int64    // bytes
	handle       func(*gin.Context) error
}

// access says who may use a route, and whether that counts towards the client's rate.
type access struct {
	role    keys.Role // "": everybody, also without a key
	counted bool
}

// noBody is the limit of routes that read none; it leaves room for clients
// that send an empty object.
const noBody = 1 << 10

// smallBody is noBody of a route that bounds its time itself.
const smallBody = noBody + 1

// Who may use a route: anybody, whoever may see things, whoever may search, and so on.
var (
	public       = access{}
	shown        = access{role: keys.Read}
	asked        = access{keys.Read, true}
	written      = access{keys.Write, true}
	administered = access{keys.Admin, true}
)

func (s *Server) routes() []route {
	page := []string{anyOption}
	table := []route{
		{http.MethodGet, "/v1/collections", asked, nil, noBody, s.listCollections},
		{http.MethodPost, "/v1/collections", administered, nil, s.opts.MaxBodyBytes, s.createCollection},
		{http.MethodGet, "/v1/collections/:collection", asked, nil, noBody, s.describeCollection},
		{http.MethodDelete, "/v1/collections/:collection", administered, nil, noBody, s.dropCollection},
		{http.MethodPost, "/v1/collections/:collection/snapshots", administered, nil, smallBody, s.snapshotCollection},
		{http.MethodGet, "/v1/info", asked, nil, noBody, s.getInfo},
		{http.MethodGet, "/v1/models", asked, nil, noBody, s.listModels},
		{http.MethodPost, "/knn-service", asked, nil, s.opts.MaxBodyBytes, s.knnService},
		{http.MethodPost, "/metadata", asked, nil, s.opts.MaxBodyBytes, s.getMetadata},
		{http.MethodGet, "/indices-list", asked, nil, noBody, s.listIndices},
		{http.MethodGet, "/healthz", public, nil, noBody, s.health},
		{http.MethodGet, "/readyz", public, nil, noBody, s.readiness},
		{http.MethodGet, "/openapi.yaml", public, page, noBody, s.file("openapi.yaml")},
		{http.MethodGet, "/docs", public, page, noBody, s.getDocs},
		{http.MethodGet, "/", shown, page, noBody, s.file("web/index.html")},
		{http.MethodGet, "/assets/:file", shown, page, noBody, s.getAsset},
	}
	table = append(table, s.jobRoutes()...)
	table = append(table, s.workRoutes()...)
	table = append(table, s.subjectRoutes()...)
	for _, r := range s.collectionRoutes() {
		own, named := r.route, r.route
		own.path, own.handle = "/v1"+r.path, func(c *gin.Context) error { return r.in(s, c) }
		named.path, named.handle = "/v1/collections/:collection"+r.path, s.inCollection(r.in)
		if r.path == "/recall" { // it says nothing without the collection's name
			table = append(table, named)
			continue
		}
		table = append(table, own, named)
	}
	return table
}

// scopedRoute is a route of the server's own index and subject, and of each collection or of
// each subject.
type scopedRoute struct {
	route // without a handler
	in    func(*Server, *gin.Context) error
}

// collectionRoutes returns the routes of an index.
func (s *Server) collectionRoutes() []scopedRoute {
	search := append([]string{"kind"}, query.OptionNames()...)
	body := s.opts.MaxBodyBytes
	return []scopedRoute{
		{route{http.MethodPost, "/search", asked, search, body, nil}, (*Server).search},
		{route{http.MethodPost, "/search/batch", asked, nil, body, nil}, (*Server).searchBatch},
		{route{http.MethodGet, "/items", asked, []string{"after", "limit", "safe", "filter"}, noBody, nil}, (*Server).listItems},
		{route{http.MethodPost, "/items", written, nil, body, nil}, (*Server).putItems},
		{route{http.MethodPost, "/items/delete", written, nil, body, nil}, (*Server).deleteItems},
		{route{http.MethodGet, "/items/:id", asked, nil, noBody, nil}, (*Server).getItem},
		{route{http.MethodPut, "/items/:id", written, nil, body, nil}, (*Server).putItem},
		{route{http.MethodDelete, "/items/:id", written, nil, noBody, nil}, (*Server).deleteItem},
		{route{http.MethodGet, "/items/:id/image", shown, nil, noBody, nil}, (*Server).getImage},
		{route{http.MethodGet, "/items/:id/thumbnail", shown, []string{"size"}, noBody, nil}, (*Server).getThumbnail},
		{route{http.MethodGet, "/facets", asked, nil, noBody, nil}, (*Server).getFacets},
		{route{http.MethodGet, "/recall", asked, nil, noBody, nil}, (*Server).getRecall},
		{route{http.MethodPost, "/recall", administered, nil, smallBody, nil}, (*Server).measureRecall},
	}
}

// scanRoutes returns the routes that take scans, and so are of a subject.
func (s *Server) scanRoutes() []scopedRoute {
	search := append([]string{"kind"}, query.OptionNames()...)
	body := s.opts.MaxBodyBytes
	return []scopedRoute{
		{route{http.MethodPost, "/search", asked, search, body, nil}, (*Server).search},
		{route{http.MethodPost, "/search/batch", asked, nil, body, nil}, (*Server).searchBatch},
		{route{http.MethodPost, "/decode", asked, []string{"kind"}, body, nil}, (*Server).decode},
		{route{http.MethodGet, "/trials", asked, []string{"offset", "limit"}, noBody, nil}, (*Server).listTrials},
		{route{http.MethodPost, "/jobs/reconstruct", asked, []string{"kind", "candidates", "steps", "seed", "keep"}, body, nil}, (*Server).submitReconstruction},
		{route{http.MethodGet, "/brain", asked, nil, noBody, nil}, (*Server).getBrain},
		{route{http.MethodPost, "/brain/activity", asked, []string{"kind"}, body, nil}, (*Server).projectScan},
	}
}

// answer returns the handler of a route, which first looks at who asks and at the options
// in the address, and bounds the body and the time.
func (s *Server) answer(r route) func(*gin.Context) error {
	return func(c *gin.Context) error {
		if err := s.authorize(c, r.access.role, r.access.counted); err != nil {
			return err
		}
		if err := checkOptions(c.Request.URL.RawQuery, r.options); err != nil {
			return err
		}
		if err := limitBody(c, r.maxBody); err != nil {
			return err
		}
		if r.maxBody > uncounted {
			body, read := s.bodies.Body(c.Request.Body)
			defer read()
			c.Request.Body = body
		}
		if r.maxBody == noBody { // others bound their time when they have read it
			ctx, cancel := context.WithTimeout(c.Request.Context(), s.opts.ReadTimeout)
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
		}
		return r.handle(c)
	}
}

// noRoute answers every other address.
func noRoute(*gin.Context) error {
	return fmt.Errorf("there is nothing at this address; /openapi.yaml lists what there is: %w", problem.ErrNoRoute)
}
