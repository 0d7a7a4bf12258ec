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

func (s *Server) routes() []route {
	page := []string{anyOption}
	public, shown := access{}, access{role: keys.Read}
	asked, written := access{keys.Read, true}, access{keys.Write, true}
	return []route{
		{http.MethodPost, "/v1/search", asked, append([]string{"kind"}, query.OptionNames()...), s.opts.MaxBodyBytes, s.search},
		{http.MethodPost, "/v1/search/batch", asked, nil, s.opts.MaxBodyBytes, s.searchBatch},
		{http.MethodGet, "/v1/items", asked, []string{"after", "limit", "safe", "filter"}, noBody, s.listItems},
		{http.MethodPost, "/v1/items", written, nil, s.opts.MaxBodyBytes, s.putItems},
		{http.MethodPost, "/v1/items/delete", written, nil, s.opts.MaxBodyBytes, s.deleteItems},
		{http.MethodGet, "/v1/items/:id", asked, nil, noBody, s.getItem},
		{http.MethodPut, "/v1/items/:id", written, nil, s.opts.MaxBodyBytes, s.putItem},
		{http.MethodDelete, "/v1/items/:id", written, nil, noBody, s.deleteItem},
		{http.MethodGet, "/v1/items/:id/image", shown, nil, noBody, s.getImage},
		{http.MethodGet, "/v1/items/:id/thumbnail", shown, []string{"size"}, noBody, s.getThumbnail},
		{http.MethodGet, "/v1/trials", asked, []string{"offset", "limit"}, noBody, s.listTrials},
		{http.MethodGet, "/v1/facets", asked, nil, noBody, s.getFacets},
		{http.MethodGet, "/v1/brain", asked, nil, noBody, s.getBrain},
		{http.MethodPost, "/v1/brain/activity", asked, []string{"kind"}, s.opts.MaxBodyBytes, s.projectScan},
		{http.MethodGet, "/v1/info", asked, nil, noBody, s.getInfo},
		{http.MethodPost, "/knn-service", asked, nil, s.opts.MaxBodyBytes, s.knnService},
		{http.MethodPost, "/metadata", asked, nil, s.opts.MaxBodyBytes, s.getMetadata},
		{http.MethodGet, "/indices-list", asked, nil, noBody, s.listIndices},
		{http.MethodGet, "/healthz", public, nil, noBody, s.health},
		{http.MethodGet, "/readyz", public, nil, noBody, s.readiness},
		{http.MethodGet, "/openapi.yaml", public, page, noBody, s.file("openapi.yaml")},
		{http.MethodGet, "/", shown, page, noBody, s.file("web/index.html")},
		{http.MethodGet, "/assets/:file", shown, page, noBody, s.getAsset},
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
