package hub

import (
	"net/http"

	"engram/data/vfs"
)

// SetFS has the client write by fsys.
func (c *Client) SetFS(fsys vfs.FS) { c.fsys = fsys }

// SetFree has the client take a disk for one with n bytes free.
func (c *Client) SetFree(n int64) { c.free = func(string) (int64, bool) { return n, true } }

// Endpoint returns the address of the hub.
func (c *Client) Endpoint() string { return c.endpoint }

// Headers is what the headers of a file say.
type Headers struct {
	Commit string
	File   File
}

// ParseHeaders reads the headers of a file.
func ParseHeaders(status int, h http.Header) Headers {
	found := parseHeaders(status, h)
	return Headers{found.commit, found.file}
}

// What the fuzz tests read.
var (
	ParseModel        = parseModel
	ParseContentRange = parseContentRange
	RetryAfter        = retryAfter
	ErrorMessage      = errorMessage
)
