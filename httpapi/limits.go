package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"engram/httpapi/internal/limit"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/thumbnail"

	"github.com/gin-gonic/gin"
)

// Limits bound what clients can ask of a server.
type Limits struct {
	MaxBodyBytes int64 // of a request; 0: 32 MiB
	// MaxBodiesBytes are of the bodies of all requests at once, beside the first 64 KiB of
	// each; 0: 16 times MaxBodyBytes.
	MaxBodiesBytes int64
	// MaxConnections are open at once. For a new one the one is closed that has been without
	// a request longest.
	MaxConnections int // 0: 4096

	MaxK          int           // most hits of one search; 0: 1000
	SearchTimeout time.Duration // of one search; 0: 30 s
	WriteTimeout  time.Duration // of one write; 0: 2 min
	ReadTimeout   time.Duration // of everything else; 0: 15 s
	DrainTimeout  time.Duration // for running requests at the end; 0: 20 s

	// Rate is how many requests a client may send a second on average, and Burst how
	// many at once, by its key or else by its address; 0: as many as it likes. Pictures
	// and the files of the page do not count.
	Rate  float64
	Burst int // 0: twice the rate

	// MaxRunning requests that the engine or a model works for run at once, and
	// MaxWaiting wait for their turn; others are refused.
	MaxRunning int // 0: 16 for each processor
	MaxWaiting int // 0: 1024

	ThumbnailBytes int // of thumbnails that are kept in memory; 0: 64 MiB
}

func (l Limits) withDefaults() Limits {
	l.MaxBodyBytes = cmp.Or(l.MaxBodyBytes, 32<<20)
	l.MaxBodiesBytes = cmp.Or(l.MaxBodiesBytes, 16*l.MaxBodyBytes)
	l.MaxConnections = cmp.Or(l.MaxConnections, 4096)
	l.MaxK = cmp.Or(l.MaxK, 1000)
	l.SearchTimeout = cmp.Or(l.SearchTimeout, 30*time.Second)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 2*time.Minute)
	l.ReadTimeout = cmp.Or(l.ReadTimeout, 15*time.Second)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 20*time.Second)
	l.Burst = cmp.Or(l.Burst, int(2*l.Rate))
	l.MaxRunning = cmp.Or(l.MaxRunning, 16*runtime.GOMAXPROCS(0))
	l.MaxWaiting = cmp.Or(l.MaxWaiting, 1024)
	l.ThumbnailBytes = cmp.Or(l.ThumbnailBytes, 64<<20)
	return l
}

func (l Limits) check() error {
	shortest := min(l.SearchTimeout, l.WriteTimeout, l.ReadTimeout, l.DrainTimeout)
	if min(l.MaxBodyBytes, l.MaxBodiesBytes) < 0 || shortest < 0 || min(l.MaxConnections, l.MaxK, l.Burst, l.MaxRunning, l.MaxWaiting, l.ThumbnailBytes) < 0 || !(l.Rate >= 0) { // or NaN
		return fmt.Errorf("httpapi: limits must not be negative: %+v", l)
	}
	return nil
}

// A client that guesses keys may do so a few times and then once in some seconds. More
// than a person who mistypes one needs, and nothing against 2^130 keys.
const (
	guessesAtOnce    = 10
	guessesPerSecond = .2
)

// uncounted bytes of a body do not count towards MaxBodiesBytes: more than a query in words
// or a vector has.
const uncounted = 64 << 10

// bound makes what bounds requests.
func (s *Server) bound() {
	l := s.opts.Limits
	s.thumbnails = thumbnail.NewCache(l.ThumbnailBytes)
	s.queue = limit.NewQueue(l.MaxRunning, l.MaxWaiting)
	s.drawing = limit.NewQueue(runtime.GOMAXPROCS(0), l.MaxWaiting)
	s.guesses, s.accepted = limit.NewRates(guessesPerSecond, guessesAtOnce), new(limit.Seen)
	s.bodies = limit.NewBytes(l.MaxBodiesBytes, uncounted)
	if l.Rate > 0 {
		s.rates = limit.NewRates(l.Rate, l.Burst)
	}
	s.metrics.Gauge("engram_queue_running", "Requests that the engine or a model works for.", func() float64 {
		running, _ := s.queue.Length()
		return float64(running)
	})
	s.metrics.Gauge("engram_queue_waiting", "Requests that wait for their turn.", func() float64 {
		_, waiting := s.queue.Length()
		return float64(waiting)
	})
}

// begin waits for the turn of a request whose body was read, and bounds its time. A
// slow body takes nobody's turn. The caller calls leave at the end.
func (s *Server) begin(c *gin.Context, timeout time.Duration) (ctx context.Context, leave func(), err error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), timeout)
	_, waited := s.stage(ctx, "queue")
	err = s.queue.Enter(ctx)
	waited()
	if err != nil {
		cancel()
		if refused := problem.Of(err).Status == http.StatusServiceUnavailable; refused {
			s.metrics.Refused("queue")
		}
		return nil, nil, err
	}
	return ctx, func() { s.queue.Leave(); cancel() }, nil
}
