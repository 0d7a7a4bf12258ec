package limit

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// end is an end of a connection.
type end struct {
	net.Conn
	closed bool
}

func (e *end) Close() error { e.closed = true; return nil }

// A new connection takes the place of the one that has been quiet longest, and waits where
// a request is under way on each.
func TestQuietConnectionsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := NewConns(2)
		a, b, c, d := new(end), new(end), new(end), new(end)
		arrive := func(e *end) chan bool {
			done := make(chan bool)
			go func() { conns.State(e, http.StateNew); close(done) }()
			synctest.Wait()
			return done
		}
		<-arrive(a)
		<-arrive(b)
		conns.State(a, http.StateActive)
		conns.State(a, http.StateIdle) // now b has been quiet longest
		waiting := arrive(c)
		if a.closed || !b.closed {
			t.Fatalf("closed: %v %v, wanted the second", a.closed, b.closed)
		}
		conns.State(b, http.StateClosed)
		<-waiting
		conns.State(a, http.StateActive)
		conns.State(c, http.StateActive)
		waiting = arrive(d)
		if a.closed || c.closed {
			t.Error("a connection with a request under way was closed")
		}
		conns.State(c, http.StateClosed)
		<-waiting
	})
}

// Bodies share what there is, but for the first bytes of each.
func TestBodiesShareMemory(t *testing.T) {
	all := NewBytes(100, 10)
	read := func(n int) (func(), error) {
		body, done := all.Body(io.NopCloser(strings.NewReader(strings.Repeat("x", n))))
		_, err := io.Copy(io.Discard, body)
		return done, err
	}
	first, err := read(100)
	if err != nil {
		t.Fatal(err)
	}
	second, err := read(30)
	if !errors.Is(err, ErrMemory) {
		t.Errorf("20 bytes where 10 are left: %v", err)
	}
	small, err := read(10)
	if err != nil {
		t.Errorf("a small one: %v", err)
	}
	for _, done := range []func(){first, second, small} {
		done()
	}
	if _, err := read(110); err != nil {
		t.Errorf("when all are gone: %v", err)
	}
}
