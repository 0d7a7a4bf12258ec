package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/keys"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// observe makes what counts requests.
func (s *Server) observe() {
	if s.opts.Tracer != nil {
		s.tracer = s.opts.Tracer.Tracer("engram/httpapi")
	}
	s.metrics.Gauge("engram_index_items", "Items of the index.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), s.opts.ReadTimeout)
		defer cancel()
		info, err := s.opts.Store.Info(ctx)
		if err != nil {
			return -1
		}
		return float64(info.Count)
	})
	if s.opts.Jobs == nil {
		return
	}
	s.metrics.Gauge("engram_jobs_running", "Jobs that run.", func() float64 {
		running, _ := s.opts.Jobs.Length()
		return float64(running)
	})
	s.metrics.Gauge("engram_jobs_waiting", "Jobs that wait for their turn.", func() float64 {
		_, waiting := s.opts.Jobs.Length()
		return float64(waiting)
	})
}

// traced puts a request into a span, within the one that its traceparent names (W3C Trace
// Context). As a line of the log it has the pattern of the route and not the address.
func (s *Server) traced(c *gin.Context) {
	if s.tracer == nil {
		return
	}
	r := c.Request
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.tracer.Start(ctx, r.Method+" "+c.FullPath(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", c.FullPath()),
		attribute.String("engram.request_id", requestID(c))))
	c.Request = r.WithContext(ctx)
	defer func() {
		span.SetAttributes(attribute.Int("http.response.status_code", c.Writer.Status()))
		if c.Writer.Status() >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	c.Next()
}

// stage begins a stage of a request; end ends it and returns its time, which goes into the
// metrics and the trace.
func (s *Server) stage(ctx context.Context, name string) (inner context.Context, end func() time.Duration) {
	begun := time.Now()
	var span trace.Span
	if s.tracer != nil {
		ctx, span = s.tracer.Start(ctx, name)
	}
	return ctx, func() time.Duration {
		took := time.Since(begun)
		s.metrics.Stage(name, took)
		if span != nil {
			span.End()
		}
		return took
	}
}

// Admin returns the handler for a listener that only administrators reach: Prometheus's
// counters at /metrics and the profiles of the Go runtime at /debug/pprof/. From another
// machine than this one it takes a key with the role admin.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	engine := newEngine(nil)
	engine.Use(identify, s.recovered)
	engine.Any("/*path", s.wrap(func(c *gin.Context) error {
		// A page of another site cannot read a profile, but have one made for an hour.
		if site := c.GetHeader("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			return fmt.Errorf("a page of another site asks for this: %w", problem.ErrForbidden)
		}
		if !fromHere(c.Request) {
			if s.opts.Keys == nil {
				return fmt.Errorf("wanted a client on the server's machine, or a server with keys: %w", problem.ErrForbidden)
			}
			if err := s.authorize(c, keys.Admin, false); err != nil {
				return err
			}
		}
		mux.ServeHTTP(c.Writer, c.Request)
		return nil
	}))
	return engine
}
