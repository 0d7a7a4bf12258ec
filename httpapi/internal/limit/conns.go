package limit

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// Conns bounds the connections of an http.Server, whose ConnState it is. Where there are as
// many as may be, the one that has been quiet longest gives way to a new one; where none is
// quiet, the new one waits, and with it all after it. A connection is quiet while no request
// is under way on it. It is safe for concurrent use.
type Conns struct {
	most int

	mu    sync.Mutex
	freed sync.Cond
	open  map[net.Conn]*list.Element // of quiet; nil while a request is under way
	quiet list.List                  // of net.Conn, the one that has been so longest first
}

// NewConns returns a bound of so many connections, at least one.
func NewConns(most int) *Conns {
	c := &Conns{most: max(1, most), open: map[net.Conn]*list.Element{}}
	c.freed.L = &c.mu
	return c
}

// State takes a change of a connection into account. The server calls it with
// http.StateNew before it accepts the next one.
func (c *Conns) State(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.open[conn]; at != nil {
		c.quiet.Remove(at)
	}
	switch state {
	case http.StateNew:
		for len(c.open) >= c.most {
			if oldest := c.quiet.Front(); oldest != nil {
				closing := c.quiet.Remove(oldest).(net.Conn)
				c.open[closing] = nil
				shut(closing)
			}
			c.freed.Wait()
		}
		c.open[conn] = c.quiet.PushBack(conn)
	case http.StateIdle:
		c.open[conn] = c.quiet.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		c.freed.Signal()
	}
}

// shut closes a connection, of TLS without its last message, for which it would wait.
func shut(conn net.Conn) {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	_ = conn.Close() // whoever reads from it gets the error
}
