package httpapi

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// route is one line of the interface. openapi.yaml has the same list.
type route struct {
	method, path string
	maxBody      int64 // bytes
	handle       func(*gin.Context) error
}

// noBody is the limit of routes that read none; it leaves room for clients
// that send an empty object.
const noBody = 1 << 10

func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/v1/search", s.opts.MaxBodyBytes, s.search},
		{http.MethodGet, "/v1/items", noBody, s.listItems},
		{http.MethodGet, "/v1/items/:id", noBody, s.getItem},
		{http.MethodGet, "/v1/items/:id/image", noBody, s.getImage},
		{http.MethodGet, "/v1/trials", noBody, s.listTrials},
		{http.MethodGet, "/v1/info", noBody, s.getInfo},
		{http.MethodGet, "/healthz", noBody, s.health},
		{http.MethodGet, "/readyz", noBody, s.readiness},
		{http.MethodGet, "/openapi.yaml", noBody, s.file("openapi.yaml")},
		{http.MethodGet, "/", noBody, s.file("web/index.html")},
		{http.MethodGet, "/assets/:file", noBody, s.getAsset},
	}
}

// noRoute answers every other address.
func noRoute(*gin.Context) error {
	return fmt.Errorf("there is nothing at this address; /openapi.yaml lists what there is: %w", errNoRoute)
}
