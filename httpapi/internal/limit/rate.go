package limit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxClients bounds the clients that are remembered: each has less than 200 bytes.
const maxClients = 10_000

// Rates bounds the requests per second of each client by a bucket of tokens. It is safe
// for concurrent use.
type Rates struct {
	perSecond rate.Limit
	burst     int

	mu      sync.Mutex
	clients map[string]*rate.Limiter
}

// NewRates allows each client so many requests per second on average, and burst at once;
// at least one.
func NewRates(perSecond float64, burst int) *Rates {
	return &Rates{perSecond: rate.Limit(perSecond), burst: max(1, burst), clients: map[string]*rate.Limiter{}}
}

// Take takes a request of a client into account. wait is 0 where it may be answered, else
// the time until the next one may.
func (r *Rates) Take(client string, now time.Time) (wait time.Duration) {
	taken := r.of(client, now).ReserveN(now, 1)
	if wait = taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

// Spent reports how long a client has to wait, without taking a request into account.
func (r *Rates) Spent(client string, now time.Time) (wait time.Duration) {
	missing := 1 - r.of(client, now).TokensAt(now)
	return time.Duration(math.Ceil(max(0, missing/float64(r.perSecond)*float64(time.Second))))
}

// of returns the bucket of a client.
func (r *Rates) of(client string, now time.Time) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	bucket := r.clients[client]
	if bucket == nil {
		if len(r.clients) >= maxClients {
			r.forget(now)
		}
		bucket = rate.NewLimiter(r.perSecond, r.burst)
		r.clients[client] = bucket
	}
	return bucket
}

// forget drops clients whose buckets are full, as they would be if they were new, and all
// where none is.
func (r *Rates) forget(now time.Time) {
	for client, bucket := range r.clients {
		if bucket.TokensAt(now) >= float64(r.burst) {
			delete(r.clients, client)
		}
	}
	if len(r.clients) >= maxClients {
		clear(r.clients)
	}
}

// Seen remembers clients, up to a bound: then it begins anew. It is safe for concurrent use.
type Seen struct {
	mu      sync.Mutex
	clients map[string]struct{}
}

// Add remembers a client.
func (s *Seen) Add(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients == nil || len(s.clients) >= maxClients {
		s.clients = map[string]struct{}{}
	}
	s.clients[client] = struct{}{}
}

// Has reports whether a client is remembered.
func (s *Seen) Has(client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, has := s.clients[client]
	return has
}
