package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"engram/httpapi/internal/metrics"

	"github.com/gin-gonic/gin"
)

const requestIDKey = "engram.request_id"

// requestID returns the id that identify gave the request.
func requestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// identify gives every request an id: the X-Request-Id that a proxy set, where
// it is short and plain, else a random one. The answer carries it.
func identify(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !plainID(id) {
		id = rand.Text()
	}
	c.Set(requestIDKey, id)
	c.Header("X-Request-Id", id)
}

// plainID tells whether an id is safe to log and to send back.
func plainID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}

// secure returns what sets the headers that every answer carries. The policy allows the
// page its own files and the previews it makes of the visitor's pictures, with
// Options.ImageURLs pictures of other servers, and nothing else.
func (s *Server) secure() gin.HandlerFunc {
	pictures := "img-src 'self' blob:"
	if s.opts.ImageURLs {
		pictures += " https: http:"
	}
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; " +
		pictures + "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", policy)
	}
}

// access logs one line for each request: the pattern of the route and never
// the address itself, no query and no body, because both may be personal.
func (s *Server) access(c *gin.Context) {
	start := time.Now()
	s.metrics.Begin()
	defer func() {
		took := time.Since(start)
		s.metrics.End(metrics.Request{
			Method: c.Request.Method, Route: c.FullPath(), Code: c.Writer.Status(), Bytes: max(c.Writer.Size(), 0), Took: took,
		})
		s.opts.Logger.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
			slog.String("request_id", requestID(c)),
			slog.String("method", c.Request.Method),
			slog.String("route", c.FullPath()),
			slog.Int("status", c.Writer.Status()),
			slog.Int("bytes", max(c.Writer.Size(), 0)),
			slog.Duration("took", took))
	}()
	c.Next()
}

// recovered turns a panic of a handler into an internal problem and logs it
// with its stack.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause)
		}
		s.metrics.Panicked()
		s.opts.Logger.LogAttrs(c.Request.Context(), slog.LevelError, "handler panicked",
			slog.String("request_id", requestID(c)), slog.String("stack", string(debug.Stack())))
		s.writeProblem(c, fmt.Errorf("panic: %v", cause))
		c.Abort()
	}()
	c.Next()
}

// writeJSON sends v, and all of it before anything else is done for the request, such as
// a line of the log. A value that cannot be encoded is a fault of this package, not of
// the request.
func writeJSON(c *gin.Context, status int, contentType string, v any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		panic(fmt.Sprintf("httpapi: %T has no JSON form: %v", v, err))
	}
	c.Header("Content-Type", contentType) // gin leaves one that is there already
	c.Header("Content-Length", strconv.Itoa(body.Len()))
	c.Data(status, contentType, body.Bytes())
	c.Writer.Flush()
}
