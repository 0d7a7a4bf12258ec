package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"engram/httpapi/internal/problem"

	"github.com/gin-gonic/gin"
)

// cors lets scripts of the origins in Options.CORS ask this server from a browser
// (Fetch Standard, section 3.2). Without any the browser keeps their answers from
// them.
func (s *Server) cors(c *gin.Context) {
	if len(s.opts.CORS) == 0 {
		return
	}
	c.Writer.Header().Add("Vary", "Origin")
	origin := c.GetHeader("Origin")
	if origin == "" || !slices.Contains(s.opts.CORS, origin) && !slices.Contains(s.opts.CORS, "*") {
		return
	}
	c.Header("Access-Control-Allow-Origin", origin)
	c.Header("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, ETag")
	if c.Request.Method != http.MethodOptions || c.GetHeader("Access-Control-Request-Method") == "" {
		return
	}
	c.Header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE")
	c.Header("Access-Control-Allow-Headers", "Authorization, X-Api-Key, Content-Type, Content-Encoding, Range, If-None-Match, X-Request-Id")
	c.Header("Access-Control-Max-Age", "600")
	c.AbortWithStatus(http.StatusNoContent)
}

// checkOrigin refuses what no browser sends as an origin.
func checkOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("httpapi: the origin %q of CORS, wanted scheme://host[:port] without a path, or *", origin)
	}
	return nil
}

// wrongMethod answers a method that the route has not.
func wrongMethod(c *gin.Context) error {
	hint := ""
	if c.Request.Method == http.MethodOptions {
		hint = "; pages of other sites may not ask this server (CORS), unless engram serve --cors names them"
	}
	return fmt.Errorf("%s is not among this route's methods (%s)%s: %w", c.Request.Method, c.Writer.Header().Get("Allow"), hint, problem.ErrMethod)
}
