package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"engram/embed/pixels"
	"engram/httpapi/internal/fetch"
	"engram/httpapi/internal/limit"
	"engram/httpapi/internal/metrics"
	"engram/httpapi/internal/thumbnail"
	"engram/httpapi/jobs"
	"engram/httpapi/keys"
	"engram/httpapi/pictures"
	"engram/index"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Options say what a Server serves. Only Store is required.
type Options struct {
	Store index.Store
	// Writable lets clients put and delete items, which are durable when the store's
	// Upsert and Delete return.
	Writable bool
	// Collections are other indexes that clients may use by their names; nil: none.
	Collections Collections
	// Snapshot makes a snapshot of a collection and returns its name; nil: none are made.
	Snapshot func(ctx context.Context, collection string, store index.Store) (name string, err error)
	// IndexName and IndexData are shown to visitors: what the index is called,
	// and which data its items come from.
	IndexName, IndexData string

	Encoder   *Encoder        // nil: search by image is refused with a clear problem
	NoEncoder string          // what a visitor who tries one reads then
	Decoder   *Decoder        // nil: search by scan likewise
	Images    pictures.Source // nil: items have no images
	// ImageURLs gives items without an image here the address under "url" in their
	// payload. The page loads pictures from there; the server never does.
	ImageURLs bool
	// FetchImages lets clients of clip-retrieval's routes search by the address of a
	// picture, which the server then fetches, from public addresses alone.
	FetchImages bool
	// Text embeds texts, for searches by words; nil: none, and NoText is what a
	// visitor who tries one reads.
	Text   *TextEncoder
	NoText string
	// Suggestions are queries that the page offers to a visitor.
	Suggestions []string
	// AssumeSpace takes it on trust that Encoder, Text and Decoder are of the space of an
	// index that does not record its own; otherwise their queries are refused.
	AssumeSpace bool
	// Trials are scans that visitors may search with. They need a Decoder.
	Trials []Trial
	// SubjectID is the subject of Decoder and Trials in addresses; "": "default". Subjects
	// are others.
	SubjectID string
	Subjects  []Subject
	// Models returns what is open, for whoever asks which models answer. It is safe for
	// concurrent use. nil: nothing is.
	Models func() []Model

	// Jobs are what takes longer than a request; nil: none are run. Whoever opened them
	// closes them.
	Jobs *jobs.Queue

	// CORS are the origins, such as https://example.com, whose pages may ask this
	// server from a browser; "*" is all of them. The server's own page needs none.
	CORS []string

	Logger *slog.Logger // nil: no log

	Limits
	// Pixels bounds the images that thumbnails are made of.
	Pixels pixels.Limits

	// Keys are the keys of clients; nil: everybody may read, and this machine write.
	Keys *keys.File
	// Proxies are the networks of proxies before this server, which are believed what they
	// say of a client: its address in X-Forwarded-For, and http or https in
	// X-Forwarded-Proto.
	Proxies []netip.Prefix
	// Hosts are names of this machine, in small letters, by which clients on it may ask a
	// server without keys; localhost and addresses they always may.
	Hosts []string
	// Tracer takes the spans of requests and of their stages; nil: nobody wants them.
	Tracer trace.TracerProvider
	// Counters are Prometheus's of what is behind the server, shown beside its own.
	Counters []prometheus.Collector
}

// Time limits of the connection. Bodies are at most Options.MaxBodyBytes long
// and images a few megabytes, so that slow connections still pass.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = time.Minute
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
)

// maxHeaderBytes bounds the address and the headers of one request. Each connection reads one
// request at a time.
const maxHeaderBytes = 64 << 10

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.withDefaults()
	o.SubjectID = cmp.Or(o.SubjectID, "default")
	return o
}

// validate returns every fault of the options.
func (o Options) validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("httpapi: "+format, args...))
	}
	if o.Store == nil {
		fault("a store is needed")
	}
	if err := o.check(); err != nil {
		faults = append(faults, err)
	}
	for _, origin := range o.CORS {
		if err := checkOrigin(origin); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(append(faults, o.checkSubjects())...)
}

// Server answers requests about one index. It is safe for concurrent use. It
// does not own the store or the models: whoever made them closes them after
// Serve has returned.
type Server struct {
	opts   Options
	trials map[string]*Trial
	// subjects are nil in the server of a subject or a collection.
	subjects *subjects
	assets   map[string]asset
	facets   facets
	docs     func() (asset, error) // made when it is first asked for
	handler  http.Handler
	metrics  *metrics.Metrics
	tracer   trace.Tracer // nil: nobody wants spans
	queue    *limit.Queue // of requests that the engine or a model works for
	drawing  *limit.Queue // of thumbnails, for which no search waits
	bodies   *limit.Bytes // of all requests
	rates    *limit.Rates // nil: no bound
	guesses  *limit.Rates // of keys that there are not
	// accepted are clients whose key was right.
	accepted *limit.Seen
	origins  *http.CrossOriginProtection

	base       string // of the addresses of its routes
	opened     opened
	thumbnails *thumbnail.Cache
	fetcher    *fetch.Client // nil: nothing is fetched
	readers    atomic.Int64  // of the events of jobs
	// draining is set when Serve begins to shut down; readiness answers it.
	draining atomic.Bool
}

// New returns a server. It returns every fault of the options, joined.
func New(opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	s := &Server{opts: opts, trials: trialsByID(opts.Trials), assets: embedded(), metrics: metrics.New(), base: "v1/"}
	s.docs = sync.OnceValues(func() (asset, error) { return docsOf(s.assets["openapi.yaml"].body) })
	if opts.FetchImages {
		s.fetcher = fetch.New(opts.MaxBodyBytes, nil)
	}
	if err := s.metrics.Add(opts.Counters...); err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	s.observe()
	s.bound()
	s.origins = http.NewCrossOriginProtection()
	for _, origin := range opts.CORS {
		if origin != "*" { // whose pages may read alone
			if err := s.origins.AddTrustedOrigin(origin); err != nil {
				return nil, fmt.Errorf("httpapi: %w", err)
			}
		}
	}
	s.openSubjects()
	s.handler = headAsGet(s.router())
	return s, nil
}

// Handler returns the server's routes, for tests and for another http.Server.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers requests on l until ctx ends, then refuses new connections,
// lets running requests finish for up to Options.DrainTimeout and returns nil,
// or an error where requests had to be cut off. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, &http.Server{Handler: s.handler, WriteTimeout: writeTimeout, ConnState: limit.NewConns(s.opts.MaxConnections).State})
}

// ServeAdmin is Serve of what Admin returns. A profile takes as long as its request says.
func (s *Server) ServeAdmin(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, &http.Server{Handler: s.Admin()})
}

// serve serves until ctx ends by a server that has its handler, its bound on connections
// and the time of its answers.
func (s *Server) serve(ctx context.Context, l net.Listener, server *http.Server) error {
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = readHeaderTimeout, readTimeout, idleTimeout
	server.MaxHeaderBytes = maxHeaderBytes
	server.ErrorLog = slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelWarn)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("httpapi: %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}

	s.draining.Store(true)
	// ctx is done already: a shutdown under it would not wait for anything.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("httpapi: requests still running after %v were cut off: %w",
			s.opts.DrainTimeout, err), server.Close())
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) { // it had failed just before
		err = errors.Join(err, fmt.Errorf("httpapi: %s: %w", l.Addr(), end))
	}
	return err
}

// headAsGet answers HEAD like GET: net/http leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// newEngine returns an engine of gin without routes, which believes proxies who a client is.
func newEngine(proxies []netip.Prefix) *gin.Engine {
	// gin keeps its mode for the whole process, and in any other mode it
	// prints to standard output. No other package uses gin.
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	var networks []string
	for _, network := range proxies {
		networks = append(networks, network.String())
	}
	if err := engine.SetTrustedProxies(networks); err != nil {
		panic(err) // only a list that cannot be parsed is refused
	}
	return engine
}

// router builds the gin engine from the table of routes.
func (s *Server) router() *gin.Engine {
	engine := newEngine(s.opts.Proxies)
	engine.Use(identify, s.secure(), s.cors, s.traced, s.access, s.recovered)
	for _, r := range s.routes() {
		engine.Handle(r.method, r.path, s.wrap(s.answer(r)))
	}
	engine.NoRoute(s.wrap(noRoute))
	engine.NoMethod(s.wrap(wrongMethod))
	return engine
}

// wrap turns a handler that returns an error into a gin handler.
func (s *Server) wrap(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			s.writeProblem(c, err)
		}
	}
}
