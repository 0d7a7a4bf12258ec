package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// networkError says why a request got no answer. ctx is the request's own.
func (c *Client) networkError(ctx context.Context, address *url.URL, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	} else if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// The address of a redirect may hold a signature, which is nobody's to read.
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	wrapped := say(ErrUnreachable, "%s does not answer (%w): check the network, the proxy (HTTPS_PROXY) and HF_ENDPOINT", address.Host, err)
	name, ok := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if ok && name.IsNotFound || untrusted {
		return wrapped
	}
	return &transient{err: wrapped}
}

// statusError says in a sentence what an answer without content means. X-Error-Code
// and the meanings of 401 are the hub's (huggingface_hub, utils/_http.py): it answers
// 401 to a stranger who asks for a repository that does not exist.
func (c *Client) statusError(r request, resp *http.Response) error {
	status, message := resp.StatusCode, errorMessage(resp.Header)
	host := resp.Request.URL.Host
	switch {
	case status == http.StatusRequestedRangeNotSatisfiable:
		return errRange
	case status == http.StatusTooManyRequests:
		return &transient{after: retryAfter(resp.Header, time.Now()),
			err: say(ErrRate, "%s takes no more requests for now%s: try later, or set HF_TOKEN for a higher limit", host, quoted(message))}
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		return &transient{after: retryAfter(resp.Header, time.Now()),
			err: say(ErrUnreachable, "%s answers %s%s: try later", host, resp.Status, quoted(message))}
	case host != c.host && r.about.path != "" && resp.Header.Get("X-Error-Code") == "":
		// The address that the hub has led to was for a short time only. The next
		// attempt asks the hub for another.
		return &transient{err: say(ErrUnreachable, "%s, to which %s leads, answers %s: try later", host, c.host, resp.Status)}
	}
	return c.refusal(r.about, resp, message)
}

// refusal says why the hub does not give what was asked for.
func (c *Client) refusal(about subject, resp *http.Response, message string) error {
	page := c.endpoint + "/" + about.repo
	status, code := resp.StatusCode, resp.Header.Get("X-Error-Code")
	switch {
	case code == "GatedRepo" && c.token == "":
		return say(ErrGated, "it is gated: accept its licence at %s, then set HF_TOKEN to a token of your account", page)
	case code == "GatedRepo":
		return say(ErrGated, "it is gated: accept its licence at %s with the account of HF_TOKEN, and let the token read gated repositories", page)
	case code == "RevisionNotFound":
		return say(ErrRevision, "it has no branch, tag or commit %q, see %s", about.revision, page)
	case code == "EntryNotFound", code == "" && status == http.StatusNotFound && about.path != "":
		return say(ErrFile, "it has no file %q at %s", about.path, about.revision)
	case status == http.StatusUnauthorized && c.token != "" && strings.Contains(strings.ToLower(message), "invalid"):
		return say(ErrUnauthorized, "%s refuses the token in HF_TOKEN%s: set a valid one, or none for public repositories", c.host, quoted(message))
	case (status == http.StatusUnauthorized || status == http.StatusNotFound) && c.token == "":
		return say(ErrNotFound, "%s has no such repository, or it is private: check the name, or set HF_TOKEN to a token that may read it", c.host)
	case status == http.StatusUnauthorized || status == http.StatusNotFound:
		return say(ErrNotFound, "%s has no such repository, or HF_TOKEN may not read it: check the name and the token", c.host)
	case status == http.StatusForbidden:
		return say(ErrUnauthorized, "%s answers %s%s: check the repository's page %s and HF_TOKEN", c.host, resp.Status, quoted(message), page)
	}
	return say(ErrAnswer, "%s answers %s%s: check HF_ENDPOINT", c.host, resp.Status, quoted(message))
}

// maxMessage is how much of a server's message is shown.
const maxMessage = 200

// errorMessage returns the printable part of the message of an answer.
func errorMessage(h http.Header) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, h.Get("X-Error-Message"))
	if cut := []rune(text); len(cut) > maxMessage {
		text = string(cut[:maxMessage]) + "…"
	}
	return strings.TrimSpace(text)
}

// quoted returns a message in brackets, and nothing for none.
func quoted(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", message)
}

// refuseWebPage returns an error where an answer is a web page and the file is none.
func refuseWebPage(resp *http.Response, what string) error {
	kind := strings.ToLower(resp.Header.Get("Content-Type"))
	if !strings.HasPrefix(kind, "text/html") || strings.HasSuffix(what, ".html") || strings.HasSuffix(what, ".htm") {
		return nil
	}
	return say(ErrAnswer, "%s answers a web page where %s was wanted: check HF_ENDPOINT, and whether a proxy wants a log-in", resp.Request.URL.Host, what)
}
