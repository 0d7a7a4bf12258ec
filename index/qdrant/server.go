package qdrant

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// connections share the calls of a store between them.
const connections = 3

// Waits between attempts grow from firstWait to longestWait. A server that asks
// for a longer one is taken as unavailable.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 10 * time.Second
)

// server gives every call to a Qdrant server a deadline, repeats calls that a busy
// or restarting server refused, and explains the errors.
//
// The client's own retries stay off: with several connections it nests them, so
// that they multiply.
type server struct {
	client   *api.Client
	addr     string
	timeout  time.Duration
	attempts int
	patient  atomic.Bool // a server that is away is waited for as a bulk load does
}

// patience is how long a call of a bulk load waits for a server that is away: long enough
// for a restart that loads its collections.
const patience = time.Minute

// dial prepares the connections, which are made with the first call.
func dial(o Options) (*server, error) {
	host, text, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("qdrant: the address is %q, wanted host:port: %w", o.Addr, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("qdrant: the port of %q is not a number from 1 to 65535", o.Addr)
	}
	config := &api.Config{
		Host: host, Port: int(port), UseTLS: o.TLS != nil, TLSConfig: o.TLS, PoolSize: connections,
		// It would only log, and hold up the start for a minute.
		SkipCompatibilityCheck: true,
		KeepAliveTime:          -1, // its pings come on idle connections too
		GrpcOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.MaxReply)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{BaseDelay: firstWait, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestWait},
				// Of a server that accepts and says nothing, the health check's own
				// deadline tells first.
				MinConnectTimeout: 2 * healthTimeout,
			}),
		},
	}
	if o.APIKey != "" {
		config.Headers = map[string]string{"api-key": o.APIKey}
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("qdrant: %s: %w", o.Addr, err)
	}
	return &server{client: client, addr: o.Addr, timeout: o.Timeout, attempts: o.Attempts}, nil
}

// patientAttempts is the attempt of a bulk load after which waits grow no more, so that it
// goes on soon after the server is back.
const patientAttempts = 5

// call makes a call that may be repeated. what says what it does, for messages.
func call[T any](ctx context.Context, s *server, what string, f func(context.Context) (T, error)) (T, error) {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		result, err := try(ctx, s, f)
		if err == nil {
			return result, nil
		}
		patient := s.patient.Load() && time.Since(start) < patience
		last := attempt >= s.attempts && !patient
		if patient {
			attempt = min(attempt, patientAttempts)
		}
		wait, again := retryAfter(err, attempt)
		if !again || last || ctx.Err() != nil {
			return result, s.explain(ctx, what, err)
		}
		select {
		case <-ctx.Done():
			return result, s.explain(ctx, what, err)
		case <-time.After(wait):
		}
	}
}

// once makes a call that must not be repeated.
func once[T any](ctx context.Context, s *server, what string, f func(context.Context) (T, error)) (T, error) {
	result, err := try(ctx, s, f)
	if err != nil {
		return result, s.explain(ctx, what, err)
	}
	return result, nil
}

// try makes one attempt. Where the caller's deadline ends it, the server may say
// so a moment before the caller's context does, which is waited for.
func try[T any](ctx context.Context, s *server, f func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	result, err := f(bounded)
	if asked, ok := ctx.Deadline(); ok && status.Code(unwrap(err)) == codes.DeadlineExceeded {
		if at, _ := bounded.Deadline(); at.Equal(asked) {
			<-ctx.Done()
		}
	}
	return result, err
}

// backoffWait returns the wait after an attempt: it doubles each time, and is
// shortened at random by up to half, so that clients do not return together.
func backoffWait(attempt int) time.Duration {
	wait := min(longestWait, firstWait<<min(attempt-1, 20))
	return wait - rand.N(wait/2)
}
