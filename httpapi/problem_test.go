package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"engram/embed"
	"engram/embed/pixels"
	"engram/httpapi/internal/fetch"
	"engram/httpapi/internal/limit"
	"engram/httpapi/internal/problem"
	"engram/httpapi/jobs"
	"engram/index"
)

func TestEveryRowOfTheProblemTable(t *testing.T) {
	tests := []struct {
		err    error
		status int
		slug   string
		shown  bool // whether the visitor reads the error's own words
	}{
		{&http.MaxBytesError{Limit: 7}, 413, "body-too-large", false},
		{context.Canceled, 499, "client-gone", false},
		{context.DeadlineExceeded, 503, "timeout", false},
		{problem.ErrLong, 503, "timeout", true},
		{problem.ErrUnauthorized, 401, "unauthorized", true},
		{problem.ErrForbidden, 403, "forbidden", true},
		{problem.ErrTooMany, 429, "too-many-requests", true},
		{limit.ErrFull, 503, "overloaded", false},
		{limit.ErrMemory, 503, "overloaded", false},
		{jobs.ErrFull, 429, "too-many-jobs", true},
		{jobs.ErrNone, 404, "no-such-job", true},
		{jobs.ErrNoFile, 404, "no-such-file", true},
		{jobs.ErrEnded, 409, "job-has-ended", true},
		{jobs.ErrKind, 501, "not-served", true},
		{jobs.ErrGone, 409, "job-not-kept", true},
		{jobs.ErrRequest, 422, "unusable-job", true},
		{jobs.ErrClosing, 503, "not-ready", true},
		{problem.ErrNoRoute, 404, "no-such-route", true},
		{problem.ErrMethod, 405, "method-not-allowed", true},
		{problem.ErrMediaType, 415, "unsupported-media-type", true},
		{problem.ErrNoItem, 404, "no-such-item", true},
		{problem.ErrNoImage, 404, "no-image", true},
		{problem.ErrNoSubject, 404, "no-such-subject", true},
		{problem.ErrNoTrial, 404, "no-such-trial", true},
		{problem.ErrNoText, 501, "no-text-model", true},
		{embed.ErrWeight, 400, "unusable-query", true},
		{embed.ErrNoDirection, 422, "no-direction", true},
		{embed.ErrText, 422, "unusable-text", true},
		{embed.ErrZero, 422, "unusable-vector", true},
		{problem.ErrNoEncoder, 501, "no-image-model", true},
		{problem.ErrNoDecoder, 501, "no-scan-decoder", true},
		{problem.ErrNoBrain, 501, "no-brain", true},
		{problem.ErrQuery, 400, "unusable-query", true},
		{index.ErrQuery, 400, "unusable-query", true},
		{index.ErrFilter, 400, "unusable-filter", true},
		{problem.ErrVoxels, 422, "scan-does-not-fit", true},
		{embed.ErrNotFinite, 422, "not-finite", true},
		{index.ErrDimension, 422, "wrong-dimension", true},
		{index.ErrVector, 422, "unusable-vector", true},
		{pixels.ErrFormat, 422, "unreadable-image", true},
		{pixels.ErrCorrupt, 422, "unreadable-image", true},
		{pixels.ErrBusy, 503, "busy", true},
		{pixels.ErrTooLarge, 422, "image-too-large", true},
		{fetch.ErrAddress, 422, "unusable-address", true},
		{index.ErrNotFound, 404, "no-such-collection", true},
		{index.ErrLocked, 409, "in-use", false},
		{problem.ErrExists, 409, "already-there", true},
		{problem.ErrNotServed, 501, "not-served", true},
		{index.ErrPayload, 422, "unusable-payload", true},
		{index.ErrTokens, 422, "unusable-tokens", true},
		{index.ErrReadOnly, 403, "read-only", true},
		{index.ErrModel, 409, "another-model", true},
		{problem.ErrBody, 400, "unreadable-body", true},
		{problem.ErrRange, 416, "no-such-range", true},
		{problem.ErrPrecondition, 412, "precondition-failed", true},
		{problem.ErrShuttingDown, 503, "not-ready", true},
		{index.ErrClosed, 503, "not-ready", false},
		{index.ErrUnavailable, 503, "index-unavailable", false},
		{index.ErrCorrupt, 500, "internal", false},
		{syscall.ENOSPC, 507, "disk-full", false},
		{syscall.EDQUOT, 507, "disk-full", false},
		{errors.New("anything else"), 500, "internal", false},
	}
	covered := map[error]bool{}
	for _, test := range tests {
		covered[test.err] = true
		t.Run(test.slug+" "+test.err.Error(), func(t *testing.T) {
			got := problem.New(fmt.Errorf("the words at /secret/place: %w", test.err), "id-1")
			if got.Status != test.status || got.Type != "urn:engram:problem:"+test.slug {
				t.Errorf("problem is %d %s, want %d %s", got.Status, got.Type, test.status, test.slug)
			}
			if shown := got.Detail == "the words at /secret/place"; shown != test.shown {
				t.Errorf("detail is %q; shows the error's words: %v, want %v", got.Detail, shown, test.shown)
			}
			if got.Title == "" || got.Detail == "" || got.RequestID != "id-1" {
				t.Errorf("problem is incomplete: %+v", got)
			}
		})
	}
	for _, kind := range problem.Table {
		if _, typed := errors.AsType[*http.MaxBytesError](kind.Err); !typed && !covered[kind.Err] {
			t.Errorf("no test for the row of %v", kind.Err)
		}
	}
}

func TestLimitsAndCancellationGoBeforeTheErrorsThatWrapThem(t *testing.T) {
	for _, test := range []struct {
		cause error
		slug  string
	}{
		{&http.MaxBytesError{Limit: 7}, "body-too-large"},
		{context.Canceled, "client-gone"},
		{context.DeadlineExceeded, "timeout"},
	} {
		got := problem.New(fmt.Errorf("form: %w: %w", test.cause, problem.ErrBody), "id")
		if !strings.HasSuffix(got.Type, test.slug) {
			t.Errorf("%v within a broken body is %s, want %s", test.cause, got.Type, test.slug)
		}
	}
	if got := problem.New(&http.MaxBytesError{Limit: 7}, "id"); !strings.Contains(got.Detail, "larger than the 7 bytes") {
		t.Errorf("detail is %q, want the limit", got.Detail)
	}
}

func TestWhoHasToComeAgainIsToldWhen(t *testing.T) {
	opts := fakeOptions(t)
	opts.Encoder.Encode = func(context.Context, []byte) ([]float32, error) {
		return nil, fmt.Errorf("decoding takes 500 MiB of memory, which were not free for 10s: %w", pixels.ErrBusy)
	}
	w := post(t, newServer(t, opts), "/v1/search", "image/png", flatPNG(t, colours[red]))
	if p := decodeBody[problem.Details](t, w, http.StatusServiceUnavailable); !strings.HasSuffix(p.Type, "busy") || w.Header().Get("Retry-After") != "5" {
		t.Errorf("%+v, Retry-After %q", p, w.Header().Get("Retry-After"))
	}
}
