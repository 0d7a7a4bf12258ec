package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"engram/embed"
	"engram/embed/pixels"
	"engram/httpapi/internal/fetch"
	"engram/httpapi/internal/limit"
	"engram/httpapi/jobs"
	"engram/index"
)

// The errors of requests, each with its row in the problem table.
var (
	ErrBody         = errors.New("unreadable body")
	ErrQuery        = errors.New("unusable query")
	ErrVoxels       = errors.New("scan does not fit the decoder")
	ErrNoText       = errors.New("no text model is loaded")
	ErrNoEncoder    = errors.New("no image model is loaded")
	ErrNoDecoder    = errors.New("no scan decoder is loaded")
	ErrNoBrain      = errors.New("no places of voxels are known")
	ErrNoItem       = errors.New("no such item")
	ErrNoImage      = errors.New("no image of this item")
	ErrNoTrial      = errors.New("no such trial")
	ErrNoSubject    = errors.New("no such subject")
	ErrNoRoute      = errors.New("no such route")
	ErrMethod       = errors.New("method not allowed")
	ErrRange        = errors.New("no such range")
	ErrPrecondition = errors.New("precondition failed")
	ErrMediaType    = errors.New("unsupported media type")
	ErrShuttingDown = errors.New("the server is shutting down")
	ErrExists       = errors.New("already there")
	ErrNotServed    = errors.New("the server was not started for this")
	ErrUnauthorized = errors.New("a key is wanted")
	ErrForbidden    = errors.New("not allowed")
	ErrTooMany      = errors.New("too many requests")
	ErrLong         = errors.New("more than a request may take")
)

// statusClientGone is the status logged for a client that left before its
// answer; nobody receives it. The number is nginx's.
const statusClientGone = 499

// Kind is one row of the table: how an error looks from outside.
type Kind struct {
	Err    error  // matched with errors.Is
	Status int    // HTTP status
	Slug   string // end of the problem's type
	Title  string // the same for every occurrence
	// Secret rows do not show the error's text, only Hint: it may name files
	// and internals. The log has it, with the request id.
	Secret bool
	Hint   string // the detail of a secret row
}

// diskFull is what clients read of a full disk; its place is in the log.
const diskFull = "the server's disk is full: it searches, and keeps nothing new until there is room"

// Table maps errors to problems; the first row that matches counts.
// Limits and cancellation come first, because a parser wraps their errors in an
// error of its own format.
var Table = []Kind{
	{Err: new(http.MaxBytesError), Status: http.StatusRequestEntityTooLarge, Slug: "body-too-large", Title: "Body too large"},
	{Err: context.Canceled, Status: statusClientGone, Slug: "client-gone", Title: "Client gone",
		Secret: true, Hint: "the request was cancelled"},
	{Err: context.DeadlineExceeded, Status: http.StatusServiceUnavailable, Slug: "timeout", Title: "Took too long",
		Secret: true, Hint: "the request took longer than the server allows; try again later"},
	{Err: ErrLong, Status: http.StatusServiceUnavailable, Slug: "timeout", Title: "Took too long"},
	{Err: ErrUnauthorized, Status: http.StatusUnauthorized, Slug: "unauthorized", Title: "A key is wanted"},
	{Err: ErrForbidden, Status: http.StatusForbidden, Slug: "forbidden", Title: "Not allowed"},
	{Err: ErrTooMany, Status: http.StatusTooManyRequests, Slug: "too-many-requests", Title: "Too many requests"},
	{Err: limit.ErrFull, Status: http.StatusServiceUnavailable, Slug: "overloaded", Title: "Too many requests at once",
		Secret: true, Hint: "as many requests run and wait as the server lets; try again later"},
	{Err: limit.ErrMemory, Status: http.StatusServiceUnavailable, Slug: "overloaded", Title: "Too many requests at once",
		Secret: true, Hint: "the bodies of other requests have all the memory that the server lets; try again later"},
	{Err: jobs.ErrFull, Status: http.StatusTooManyRequests, Slug: "too-many-jobs", Title: "Too many jobs"},
	{Err: jobs.ErrNone, Status: http.StatusNotFound, Slug: "no-such-job", Title: "No such job"},
	{Err: jobs.ErrNoFile, Status: http.StatusNotFound, Slug: "no-such-file", Title: "No such file"},
	{Err: jobs.ErrEnded, Status: http.StatusConflict, Slug: "job-has-ended", Title: "The job has ended"},
	{Err: jobs.ErrKind, Status: http.StatusNotImplemented, Slug: "not-served", Title: "The server was not started for this"},
	{Err: jobs.ErrGone, Status: http.StatusConflict, Slug: "job-not-kept", Title: "The request is not kept"},
	{Err: jobs.ErrRequest, Status: http.StatusUnprocessableEntity, Slug: "unusable-job", Title: "Unusable job"},
	{Err: jobs.ErrClosing, Status: http.StatusServiceUnavailable, Slug: "not-ready", Title: "Not ready"},
	{Err: syscall.ENOSPC, Status: http.StatusInsufficientStorage, Slug: "disk-full", Title: "Disk full", Secret: true, Hint: diskFull},
	{Err: syscall.EDQUOT, Status: http.StatusInsufficientStorage, Slug: "disk-full", Title: "Disk full", Secret: true, Hint: diskFull},
	{Err: ErrNoRoute, Status: http.StatusNotFound, Slug: "no-such-route", Title: "No such route"},
	{Err: ErrMethod, Status: http.StatusMethodNotAllowed, Slug: "method-not-allowed", Title: "Method not allowed"},
	{Err: ErrRange, Status: http.StatusRequestedRangeNotSatisfiable, Slug: "no-such-range", Title: "No such range"},
	{Err: ErrPrecondition, Status: http.StatusPreconditionFailed, Slug: "precondition-failed", Title: "Precondition failed"},
	{Err: ErrMediaType, Status: http.StatusUnsupportedMediaType, Slug: "unsupported-media-type", Title: "Unsupported media type"},
	{Err: ErrNoItem, Status: http.StatusNotFound, Slug: "no-such-item", Title: "No such item"},
	{Err: ErrNoImage, Status: http.StatusNotFound, Slug: "no-image", Title: "No image"},
	{Err: ErrNoSubject, Status: http.StatusNotFound, Slug: "no-such-subject", Title: "No such subject"},
	{Err: ErrNoTrial, Status: http.StatusNotFound, Slug: "no-such-trial", Title: "No such trial"},
	{Err: ErrNoText, Status: http.StatusNotImplemented, Slug: "no-text-model", Title: "No text model is loaded"},
	{Err: ErrNoEncoder, Status: http.StatusNotImplemented, Slug: "no-image-model", Title: "No image model is loaded"},
	{Err: ErrNoDecoder, Status: http.StatusNotImplemented, Slug: "no-scan-decoder", Title: "No scan decoder is loaded"},
	{Err: ErrNoBrain, Status: http.StatusNotImplemented, Slug: "no-brain", Title: "No places of voxels are known"},
	{Err: fetch.ErrAddress, Status: http.StatusUnprocessableEntity, Slug: "unusable-address", Title: "Unusable address"},
	{Err: ErrQuery, Status: http.StatusBadRequest, Slug: "unusable-query", Title: "Unusable query"},
	{Err: index.ErrQuery, Status: http.StatusBadRequest, Slug: "unusable-query", Title: "Unusable query"},
	{Err: index.ErrFilter, Status: http.StatusBadRequest, Slug: "unusable-filter", Title: "Unusable filter"},
	{Err: embed.ErrWeight, Status: http.StatusBadRequest, Slug: "unusable-query", Title: "Unusable query"},
	{Err: embed.ErrNoDirection, Status: http.StatusUnprocessableEntity, Slug: "no-direction", Title: "The query has no direction"},
	{Err: embed.ErrText, Status: http.StatusUnprocessableEntity, Slug: "unusable-text", Title: "Unusable text"},
	{Err: embed.ErrZero, Status: http.StatusUnprocessableEntity, Slug: "unusable-vector", Title: "Unusable vector"},
	{Err: ErrVoxels, Status: http.StatusUnprocessableEntity, Slug: "scan-does-not-fit", Title: "Scan does not fit the decoder"},
	{Err: embed.ErrNotFinite, Status: http.StatusUnprocessableEntity, Slug: "not-finite", Title: "Values are not finite"},
	{Err: index.ErrDimension, Status: http.StatusUnprocessableEntity, Slug: "wrong-dimension", Title: "Wrong dimension"},
	{Err: index.ErrVector, Status: http.StatusUnprocessableEntity, Slug: "unusable-vector", Title: "Unusable vector"},
	{Err: pixels.ErrFormat, Status: http.StatusUnprocessableEntity, Slug: "unreadable-image", Title: "Unreadable image"},
	{Err: pixels.ErrCorrupt, Status: http.StatusUnprocessableEntity, Slug: "unreadable-image", Title: "Unreadable image"},
	{Err: pixels.ErrBusy, Status: http.StatusServiceUnavailable, Slug: "busy", Title: "Too many pictures at once"},
	{Err: pixels.ErrTooLarge, Status: http.StatusUnprocessableEntity, Slug: "image-too-large", Title: "Image too large"},
	{Err: index.ErrPayload, Status: http.StatusUnprocessableEntity, Slug: "unusable-payload", Title: "Unusable payload"},
	{Err: index.ErrTokens, Status: http.StatusUnprocessableEntity, Slug: "unusable-tokens", Title: "Unusable tokens"},
	{Err: index.ErrReadOnly, Status: http.StatusForbidden, Slug: "read-only", Title: "Open for reading only"},
	{Err: index.ErrNotFound, Status: http.StatusNotFound, Slug: "no-such-collection", Title: "No such collection"},
	{Err: ErrExists, Status: http.StatusConflict, Slug: "already-there", Title: "Already there"},
	{Err: ErrNotServed, Status: http.StatusNotImplemented, Slug: "not-served", Title: "The server was not started for this"},
	{Err: index.ErrLocked, Status: http.StatusConflict, Slug: "in-use", Title: "In use",
		Secret: true, Hint: "another process has the collection open for writing"},
	{Err: index.ErrModel, Status: http.StatusConflict, Slug: "another-model", Title: "Index of another model"},
	{Err: ErrBody, Status: http.StatusBadRequest, Slug: "unreadable-body", Title: "Unreadable body"},
	{Err: ErrShuttingDown, Status: http.StatusServiceUnavailable, Slug: "not-ready", Title: "Not ready"},
	{Err: index.ErrClosed, Status: http.StatusServiceUnavailable, Slug: "not-ready", Title: "Not ready",
		Secret: true, Hint: "the index is closed"},
	{Err: index.ErrUnavailable, Status: http.StatusServiceUnavailable, Slug: "index-unavailable", Title: "Index unavailable",
		Secret: true, Hint: "the server that has the index does not answer; try again later"},
}

// Internal is what every other error becomes.
var Internal = Kind{
	Status: http.StatusInternalServerError, Slug: "internal", Title: "Internal error",
	Secret: true, Hint: "the server met an error; its log has it under this request id",
}

// Details is the body of an error answer, application/problem+json (RFC 9457).
type Details struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

// Of finds the row of err.
func Of(err error) Kind {
	for _, kind := range Table {
		if matches(err, kind.Err) {
			return kind
		}
	}
	return Internal
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

// New describes err to the visitor.
func New(err error, requestID string) Details {
	kind := Of(err)
	detail := kind.Hint
	if !kind.Secret {
		// The title says the sentinel's words already.
		detail = strings.TrimSuffix(err.Error(), ": "+kind.Err.Error())
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		detail = fmt.Sprintf("the body is larger than the %d bytes that this route accepts", tooLarge.Limit)
	}
	return Details{
		Type:      "urn:engram:problem:" + kind.Slug,
		Title:     kind.Title,
		Status:    kind.Status,
		Detail:    detail,
		RequestID: requestID,
	}
}
