package limit

import (
	"errors"
	"io"
	"sync/atomic"
)

// ErrMemory says that bodies have all the memory that they may.
var ErrMemory = errors.New("the bodies of other requests have all the memory")

// Bytes bounds the memory of bodies that are read at once. It is safe for concurrent use.
type Bytes struct {
	free int64 // of each body
	left atomic.Int64
}

// NewBytes returns a bound of so many bytes of all bodies, to which the first bytes of each
// do not count: small requests are answered while large ones have all there is.
func NewBytes(most, free int64) *Bytes {
	b := &Bytes{free: free}
	b.left.Store(most)
	return b
}

// Body returns a body whose Read fails with ErrMemory where all bodies have too many bytes,
// and what gives its bytes back. Who has read it calls that once.
func (b *Bytes) Body(body io.ReadCloser) (io.ReadCloser, func()) {
	counted := &countedBody{ReadCloser: body, of: b}
	return counted, counted.done
}

// countedBody counts what is read.
type countedBody struct {
	io.ReadCloser
	of          *Bytes
	read, taken int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read += int64(n)
	if over := c.read - c.of.free - c.taken; over > 0 {
		c.taken += over
		if c.of.left.Add(-over) < 0 {
			return n, ErrMemory
		}
	}
	return n, err
}

func (c *countedBody) done() { c.of.left.Add(c.taken) }
