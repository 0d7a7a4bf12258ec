package double

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"path"
	"strconv"
	"sync"
	"time"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Options describe a server.
type Options struct {
	APIKey  string           // wanted of every call but the health check, unless ""
	ReadKey string           // a second key, with which nothing can be changed
	TLS     *tls.Certificate // nil for plain text
	Version string           // "1.18.3" where it is ""
	Looks   int              // how often a collection is yellow before an optimisation is done
	Grey    bool             // optimisations wait to be nudged
	// Graph has searches that are not exact miss points, as a search over a graph
	// does: of all points the share 1/hnsw_ef, other points for other queries.
	Graph bool
}

// Server is a running server. Its methods may be called concurrently.
type Server struct {
	opts Options
	grpc *grpc.Server
	addr string
	done chan error

	mu          sync.Mutex // guards what follows, and is held during a call
	collections map[string]*collection
	aliases     map[string]string
	calls       map[string]int
	faults      map[string][]Fault
	tamper      map[string]func(request, reply any)
	metadata    metadata.MD
}

// Fault is what happens to a call instead of an answer.
type Fault struct {
	Code       codes.Code
	RetryAfter int           // seconds, sent where it is not 0
	Delay      time.Duration // before the fault; with Code OK, before the answer
}

// Start starts a server on a free loopback port.
func Start(opts Options) (*Server, error) {
	opts.Version = cmp.Or(opts.Version, "1.18.3")
	// Listening on the loopback does not wait for anything.
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, addr: listener.Addr().String(), done: make(chan error, 1),
		collections: map[string]*collection{}, aliases: map[string]string{}, calls: map[string]int{},
		faults: map[string][]Fault{}, tamper: map[string]func(request, reply any){},
	}
	// The server takes messages of any size.
	settings := []grpc.ServerOption{grpc.UnaryInterceptor(s.intercept), grpc.MaxRecvMsgSize(1 << 30)}
	if opts.TLS != nil {
		settings = append(settings, grpc.Creds(credentials.NewServerTLSFromCert(opts.TLS)))
	}
	s.grpc = grpc.NewServer(settings...)
	api.RegisterQdrantServer(s.grpc, health{s: s})
	api.RegisterCollectionsServer(s.grpc, collections{s: s})
	api.RegisterPointsServer(s.grpc, points{s: s})
	api.RegisterSnapshotsServer(s.grpc, snapshots{s: s})
	go func() { s.done <- s.grpc.Serve(listener) }()
	return s, nil
}

// Addr returns host:port.
func (s *Server) Addr() string { return s.addr }

// Stop ends the server and all calls.
func (s *Server) Stop() error {
	s.grpc.Stop()
	return <-s.done
}

// Fail lets the next calls of a method, such as "Points/Upsert", have these
// faults, one each.
func (s *Server) Fail(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], faults...)
}

// Tamper lets f see the requests of a method and change the replies, nil stops
// it. Calls of f do not overlap.
func (s *Server) Tamper(method string, f func(request, reply any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tamper[method] = f
}

// Calls returns how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Header returns what the last call sent under a header's name.
func (s *Server) Header(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata.Get(name)
}

// intercept is around every call.
func (s *Server) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, answer grpc.UnaryHandler) (any, error) {
	service, method := path.Split(info.FullMethod)
	name := path.Base(service)[len("qdrant."):] + "/" + method
	fault, failing := s.record(ctx, name)
	if failing {
		select {
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		case <-time.After(fault.Delay):
		}
		if fault.RetryAfter > 0 {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("retry-after", strconv.Itoa(fault.RetryAfter)))
		}
		if fault.Code != codes.OK {
			return nil, status.Error(fault.Code, "a fault that a test asked for")
		}
	}
	if err := s.authorise(ctx, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply, err := answer(ctx, request)
	if f := s.tamper[name]; f != nil && err == nil {
		f(request, reply)
	}
	return reply, err
}

// record counts a call and returns its fault.
func (s *Server) record(ctx context.Context, method string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	s.metadata, _ = metadata.FromIncomingContext(ctx)
	queue := s.faults[method]
	if len(queue) == 0 {
		return Fault{}, false
	}
	s.faults[method] = queue[1:]
	return queue[0], true
}

// reads are the methods that a key for reading is good for.
var reads = map[string]bool{
	"Collections/Get": true, "Collections/ListAliases": true, "Points/Get": true, "Points/Query": true,
	"Points/Scroll": true, "Points/Count": true, "Points/Facet": true,
}

func (s *Server) authorise(ctx context.Context, method string) error {
	if s.opts.APIKey == "" || method == "Qdrant/HealthCheck" {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	switch keys := md.Get("api-key"); {
	case len(keys) == 0:
		return status.Error(codes.Unauthenticated, "Must provide an API key or an Authorization bearer token")
	case keys[0] == s.opts.APIKey:
		return nil
	case s.opts.ReadKey == "" || keys[0] != s.opts.ReadKey:
		return status.Error(codes.Unauthenticated, "Invalid API key or JWT")
	case !reads[method]:
		return status.Error(codes.PermissionDenied, "Forbidden: Global manage access is required")
	}
	return nil
}

type health struct {
	api.UnimplementedQdrantServer
	s *Server
}

func (h health) HealthCheck(context.Context, *api.HealthCheckRequest) (*api.HealthCheckReply, error) {
	return &api.HealthCheckReply{Title: "qdrant - vector search engine", Version: h.s.opts.Version}, nil
}
