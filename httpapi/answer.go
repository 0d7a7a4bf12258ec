package httpapi

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"engram/httpapi/internal/limit"
	"engram/httpapi/internal/problem"
)

// retrySoon is how many seconds a client is asked to wait after a 503 (RFC 9110,
// section 10.2.3): about as long as a search takes that others have to wait for.
const retrySoon = "5"

// writeProblem ends the request with err. After the answer has begun the connection
// is cut instead, so that the client does not take a part for the whole answer.
func (s *Server) writeProblem(c *gin.Context, err error) {
	p := problem.New(err, requestID(c))
	if p.Status == http.StatusInternalServerError || c.Writer.Written() {
		s.opts.Logger.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", p.RequestID), slog.String("error", err.Error()))
	}
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	if p.Status == http.StatusRequestEntityTooLarge || errors.Is(err, limit.ErrMemory) {
		c.Header("Connection", "close") // the rest of the body is not read
	}
	if p.Status == http.StatusServiceUnavailable && c.Writer.Header().Get("Retry-After") == "" {
		c.Header("Retry-After", retrySoon)
	}
	writeJSON(c, p.Status, "application/problem+json", p)
}
