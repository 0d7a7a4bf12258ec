package httpapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"engram/data/gzipstream"
	"engram/httpapi/internal/problem"

	"github.com/gin-gonic/gin"
)

// limitBody bounds the body of a request, as sent and as decoded: a few kilobytes of
// gzip can be gigabytes.
func limitBody(c *gin.Context, bytes int64) error {
	r := c.Request
	r.Body = http.MaxBytesReader(c.Writer, r.Body, bytes)
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	switch coding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		r.Body = http.MaxBytesReader(c.Writer, &gzipBody{body: r.Body}, bytes)
		return nil
	}
	c.Header("Accept-Encoding", "gzip, identity") // RFC 9110, section 12.5.3
	return fmt.Errorf("the body has Content-Encoding %.40q, wanted gzip or none: %w", coding, problem.ErrMediaType)
}

// gzipBody decodes a body from its first Read on.
type gzipBody struct {
	body io.ReadCloser
	text io.Reader
	err  error // of the header
}

func (g *gzipBody) Read(p []byte) (int, error) {
	if g.text == nil && g.err == nil {
		g.text, g.err = gzipstream.NewReader(bufio.NewReader(g.body))
		if errors.Is(g.err, io.EOF) { // it would read as an empty body
			g.err = io.ErrUnexpectedEOF
		}
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.text.Read(p)
}

func (g *gzipBody) Close() error { return g.body.Close() }
