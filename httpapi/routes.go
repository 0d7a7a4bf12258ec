package httpapi

import (
	"fmt"
	"net/http"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"

	"github.com/gin-gonic/gin"
)

// route is one line of the interface. openapi.yaml has the same list.
type route struct {
	method, path string
	options      []string // that its address can have
	maxBody      int64    // bytes
	handle       func(*gin.Context) error
}

// noBody is the limit of routes that read none; it leaves room for clients
// that send an empty object.
const noBody = 1 << 10

func (s *Server) routes() []route {
	page := []string{anyOption}
	return []route{
		{http.MethodPost, "/v1/search", append([]string{"kind"}, query.OptionNames()...), s.opts.MaxBodyBytes, s.search},
		{http.MethodPost, "/v1/search/batch", nil, s.opts.MaxBodyBytes, s.searchBatch},
		{http.MethodGet, "/v1/items", []string{"after", "limit", "safe"}, noBody, s.listItems},
		{http.MethodGet, "/v1/items/:id", nil, noBody, s.getItem},
		{http.MethodGet, "/v1/items/:id/image", nil, noBody, s.getImage},
		{http.MethodGet, "/v1/trials", []string{"offset", "limit"}, noBody, s.listTrials},
		{http.MethodGet, "/v1/facets", nil, noBody, s.getFacets},
		{http.MethodGet, "/v1/brain", nil, noBody, s.getBrain},
		{http.MethodPost, "/v1/brain/activity", []string{"kind"}, s.opts.MaxBodyBytes, s.projectScan},
		{http.MethodGet, "/v1/info", nil, noBody, s.getInfo},
		{http.MethodGet, "/healthz", nil, noBody, s.health},
		{http.MethodGet, "/readyz", nil, noBody, s.readiness},
		{http.MethodGet, "/openapi.yaml", page, noBody, s.file("openapi.yaml")},
		{http.MethodGet, "/", page, noBody, s.file("web/index.html")},
		{http.MethodGet, "/assets/:file", page, noBody, s.getAsset},
	}
}

// answer returns the handler of the route, which first looks at the options in the
// address and bounds the body.
func (r route) answer() func(*gin.Context) error {
	return func(c *gin.Context) error {
		if err := checkOptions(c.Request.URL.RawQuery, r.options); err != nil {
			return err
		}
		if err := limit(c, r.maxBody); err != nil {
			return err
		}
		return r.handle(c)
	}
}

// noRoute answers every other address.
func noRoute(*gin.Context) error {
	return fmt.Errorf("there is nothing at this address; /openapi.yaml lists what there is: %w", problem.ErrNoRoute)
}
