package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"engram/embed"
	"engram/embed/pixels"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// The errors of requests, each with its row in the problem table.
var (
	errBody         = errors.New("unreadable body")
	errQuery        = errors.New("unusable query")
	errVoxels       = errors.New("scan does not fit the decoder")
	errNoText       = errors.New("no text model is loaded")
	errNoEncoder    = errors.New("no image model is loaded")
	errNoDecoder    = errors.New("no scan decoder is loaded")
	errNoItem       = errors.New("no such item")
	errNoImage      = errors.New("no image of this item")
	errNoTrial      = errors.New("no such trial")
	errNoRoute      = errors.New("no such route")
	errMethod       = errors.New("method not allowed")
	errRange        = errors.New("no such range")
	errPrecondition = errors.New("precondition failed")
	errMediaType    = errors.New("unsupported media type")
	errShuttingDown = errors.New("the server is shutting down")
)

// retryAfter is how many seconds a client is asked to wait after a 503 (RFC 9110,
// section 10.2.3): about as long as a search takes that others have to wait for.
const retryAfter = "5"

// statusClientGone is the status logged for a client that left before its
// answer; nobody receives it. The number is nginx's.
const statusClientGone = 499

// problemKind is one row of the table: how an error looks from outside.
type problemKind struct {
	err    error  // matched with errors.Is
	status int    // HTTP status
	slug   string // end of the problem's type
	title  string // the same for every occurrence
	// secret rows do not show the error's text, only hint: it may name files
	// and internals. The log has it, with the request id.
	secret bool
	hint   string // the detail of a secret row
}

// problemTable maps errors to problems; the first row that matches counts.
// Limits and cancellation come first, because a parser wraps their errors in an
// error of its own format.
var problemTable = []problemKind{
	{err: new(http.MaxBytesError), status: http.StatusRequestEntityTooLarge, slug: "body-too-large", title: "Body too large"},
	{err: context.Canceled, status: statusClientGone, slug: "client-gone", title: "Client gone",
		secret: true, hint: "the request was cancelled"},
	{err: context.DeadlineExceeded, status: http.StatusServiceUnavailable, slug: "timeout", title: "Took too long",
		secret: true, hint: "the search took longer than the server allows; try again later"},
	{err: errNoRoute, status: http.StatusNotFound, slug: "no-such-route", title: "No such route"},
	{err: errMethod, status: http.StatusMethodNotAllowed, slug: "method-not-allowed", title: "Method not allowed"},
	{err: errRange, status: http.StatusRequestedRangeNotSatisfiable, slug: "no-such-range", title: "No such range"},
	{err: errPrecondition, status: http.StatusPreconditionFailed, slug: "precondition-failed", title: "Precondition failed"},
	{err: errMediaType, status: http.StatusUnsupportedMediaType, slug: "unsupported-media-type", title: "Unsupported media type"},
	{err: errNoItem, status: http.StatusNotFound, slug: "no-such-item", title: "No such item"},
	{err: errNoImage, status: http.StatusNotFound, slug: "no-image", title: "No image"},
	{err: errNoTrial, status: http.StatusNotFound, slug: "no-such-trial", title: "No such trial"},
	{err: errNoText, status: http.StatusNotImplemented, slug: "no-text-model", title: "No text model is loaded"},
	{err: errNoEncoder, status: http.StatusNotImplemented, slug: "no-image-model", title: "No image model is loaded"},
	{err: errNoDecoder, status: http.StatusNotImplemented, slug: "no-scan-decoder", title: "No scan decoder is loaded"},
	{err: errQuery, status: http.StatusBadRequest, slug: "unusable-query", title: "Unusable query"},
	{err: index.ErrQuery, status: http.StatusBadRequest, slug: "unusable-query", title: "Unusable query"},
	{err: index.ErrFilter, status: http.StatusBadRequest, slug: "unusable-filter", title: "Unusable filter"},
	{err: embed.ErrWeight, status: http.StatusBadRequest, slug: "unusable-query", title: "Unusable query"},
	{err: embed.ErrNoDirection, status: http.StatusUnprocessableEntity, slug: "no-direction", title: "The query has no direction"},
	{err: embed.ErrText, status: http.StatusUnprocessableEntity, slug: "unusable-text", title: "Unusable text"},
	{err: embed.ErrZero, status: http.StatusUnprocessableEntity, slug: "unusable-vector", title: "Unusable vector"},
	{err: errVoxels, status: http.StatusUnprocessableEntity, slug: "scan-does-not-fit", title: "Scan does not fit the decoder"},
	{err: embed.ErrNotFinite, status: http.StatusUnprocessableEntity, slug: "not-finite", title: "Values are not finite"},
	{err: index.ErrDimension, status: http.StatusUnprocessableEntity, slug: "wrong-dimension", title: "Wrong dimension"},
	{err: index.ErrVector, status: http.StatusUnprocessableEntity, slug: "unusable-vector", title: "Unusable vector"},
	{err: pixels.ErrFormat, status: http.StatusUnprocessableEntity, slug: "unreadable-image", title: "Unreadable image"},
	{err: pixels.ErrCorrupt, status: http.StatusUnprocessableEntity, slug: "unreadable-image", title: "Unreadable image"},
	{err: pixels.ErrBusy, status: http.StatusServiceUnavailable, slug: "busy", title: "Too many pictures at once"},
	{err: pixels.ErrTooLarge, status: http.StatusUnprocessableEntity, slug: "image-too-large", title: "Image too large"},
	{err: index.ErrModel, status: http.StatusConflict, slug: "another-model", title: "Index of another model"},
	{err: errBody, status: http.StatusBadRequest, slug: "unreadable-body", title: "Unreadable body"},
	{err: errShuttingDown, status: http.StatusServiceUnavailable, slug: "not-ready", title: "Not ready"},
	{err: index.ErrClosed, status: http.StatusServiceUnavailable, slug: "not-ready", title: "Not ready",
		secret: true, hint: "the index is closed"},
	{err: index.ErrUnavailable, status: http.StatusServiceUnavailable, slug: "index-unavailable", title: "Index unavailable",
		secret: true, hint: "the server that has the index does not answer; try again later"},
}

// internalProblem is what every other error becomes.
var internalProblem = problemKind{
	status: http.StatusInternalServerError, slug: "internal", title: "Internal error",
	secret: true, hint: "the server met an error; its log has it under this request id",
}

// problem is the body of an error answer, application/problem+json (RFC 9457).
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

// kindOf finds the row of err.
func kindOf(err error) problemKind {
	for _, kind := range problemTable {
		if matches(err, kind.err) {
			return kind
		}
	}
	return internalProblem
}

// matches is errors.Is, and errors.As for the only error of the table that is a
// type.
func matches(err, row error) bool {
	if _, isType := errors.AsType[*http.MaxBytesError](row); isType {
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		return tooLarge
	}
	return errors.Is(err, row)
}

// newProblem describes err to the visitor.
func newProblem(err error, requestID string) problem {
	kind := kindOf(err)
	detail := kind.hint
	if !kind.secret {
		// The title says the sentinel's words already.
		detail = strings.TrimSuffix(err.Error(), ": "+kind.err.Error())
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		detail = fmt.Sprintf("the body is larger than the %d bytes that this route accepts", tooLarge.Limit)
	}
	return problem{
		Type:      "urn:engram:problem:" + kind.slug,
		Title:     kind.title,
		Status:    kind.status,
		Detail:    detail,
		RequestID: requestID,
	}
}

// writeProblem ends the request with err. After the answer has begun the connection
// is cut instead, so that the client does not take a part for the whole answer.
func (s *Server) writeProblem(c *gin.Context, err error) {
	p := newProblem(err, requestID(c))
	if p.Status == http.StatusInternalServerError || c.Writer.Written() {
		s.opts.Logger.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", p.RequestID), slog.String("error", err.Error()))
	}
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	if p.Status == http.StatusRequestEntityTooLarge {
		c.Header("Connection", "close") // the rest of the body is not read
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", retryAfter)
	}
	writeJSON(c, p.Status, "application/problem+json", p)
}
