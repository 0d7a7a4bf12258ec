package hub

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxRedirects is how many redirects of one request are followed.
const maxRedirects = 10

// request is one request to the endpoint.
type request struct {
	method string
	url    string
	from   int64 // first byte that is wanted
	plain  bool  // ask for content that is not compressed
	about  subject
}

// subject is what a request is about, for messages.
type subject struct{ repo, revision, path string }

// errRange says that the server has no bytes from the requested one on.
var errRange = errors.New("the server has no such range")

// errStalled says that a server has sent nothing for too long.
var errStalled = errors.New("no byte came for too long")

// fileURL returns the address of a file of a revision. Each part of the path is
// escaped; slashes in the revision are escaped too.
func (c *Client) fileURL(about subject) string {
	parts := strings.Split(about.path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return c.endpoint + "/" + about.repo + "/resolve/" + url.PathEscape(about.revision) + "/" + strings.Join(parts, "/")
}

// follow follows a redirect, and drops the token where it leads to another host,
// another port or from https to http. Package net/http keeps it for another port and
// for subdomains.
func follow(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if first := via[0].URL; req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		req.Header.Del("Authorization")
	}
	return nil
}

// followRelative follows a redirect without a host, which a renamed repository
// answers, and stops at any other, whose answer has the headers of the file. The
// query of the new address is left out, as huggingface_hub does.
func followRelative(req *http.Request, via []*http.Request) error {
	target, err := url.Parse(req.Response.Header.Get("Location"))
	if err != nil || target.Host != "" {
		return http.ErrUseLastResponse
	}
	req.URL.RawQuery = ""
	return follow(req, via)
}

// once does a request one time. An error that may pass is a *transient. The caller
// closes the body, which ends with an error where no byte comes for too long.
func (c *Client) once(ctx context.Context, client *http.Client, r request) (*http.Response, error) {
	inner, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.patience.Stall, func() { cancel(errStalled) })
	stop := func() { timer.Stop(); cancel(nil) }
	req, err := http.NewRequestWithContext(inner, r.method, r.url, http.NoBody)
	if err != nil {
		stop()
		return nil, err
	}
	req.Header.Set("User-Agent", "engram")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r.plain {
		req.Header.Set("Accept-Encoding", "identity")
	}
	if r.from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.from))
	}
	resp, err := client.Do(req)
	if err != nil {
		err = c.networkError(inner, req.URL, err)
		stop()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: inner, timer: timer, stall: c.patience.Stall, stop: stop}
	redirect := resp.StatusCode >= 300 && resp.StatusCode < 400 && client == c.heads
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent || redirect {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.statusError(r, resp)
}

// body is the body of an answer that ends where it stalls.
type body struct {
	io.ReadCloser
	ctx   context.Context
	timer *time.Timer
	stall time.Duration
	stop  func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(b.stall)
	}
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(b.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

func (b *body) Close() error {
	b.stop()
	return b.ReadCloser.Close()
}

// decoded returns the content of a body that the server has compressed, or not.
func decoded(resp *http.Response) (io.Reader, error) {
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return resp.Body, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, &transient{err: fmt.Errorf("the compressed answer cannot be read: %w", err)}
		}
		return r, nil
	default:
		return nil, say(ErrAnswer, "the answer is encoded by %.40q, wanted identity or gzip: check the proxy and HF_ENDPOINT", encoding)
	}
}
