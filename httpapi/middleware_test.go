package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every kind of answer carries the headers that keep a browser from guessing
// types, from telling other sites where it comes from, and from running or
// loading anything that is not the page's own.
func TestEveryAnswerHasTheHardeningHeaders(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	panics := fakeOptions(t)
	panics.Encoder.Encode = func(context.Context, []byte) ([]float32, error) { panic("bug") }
	picture := flatPNG(t, colours[red])
	unchanged := httptest.NewRequest(http.MethodGet, "/v1/items/3/image", nil)
	unchanged.Header.Set("If-None-Match", get(t, s, "/v1/items/3/image").Header().Get("ETag"))

	policy := map[string]string{
		"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' blob:",
		"connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
	}
	for name, answer := range map[string]struct {
		*httptest.ResponseRecorder
		status int
	}{
		"page":           {get(t, s, "/"), http.StatusOK},
		"script":         {get(t, s, "/assets/app.js"), http.StatusOK},
		"API":            {get(t, s, "/v1/info"), http.StatusOK},
		"hits":           {ask(t, s, `{"item":"1"}`), http.StatusOK},
		"image":          {get(t, s, "/v1/items/3/image"), http.StatusOK},
		"same image":     {call(t, s, unchanged), http.StatusNotModified},
		"specification":  {get(t, s, "/openapi.yaml"), http.StatusOK},
		"health":         {get(t, s, "/healthz"), http.StatusOK},
		"head":           {call(t, s, httptest.NewRequest(http.MethodHead, "/", nil)), http.StatusOK},
		"bad query":      {ask(t, s, `{"item":`), http.StatusBadRequest},
		"no such item":   {get(t, s, "/v1/items/99/image"), http.StatusNotFound},
		"no such route":  {get(t, s, "/v2/search"), http.StatusNotFound},
		"no such method": {get(t, s, "/v1/search"), http.StatusMethodNotAllowed},
		"panic":          {post(t, newServer(t, panics), "/v1/search", "image/png", picture), http.StatusInternalServerError},
	} {
		if answer.Code != answer.status {
			t.Errorf("%s: status %d, want %d", name, answer.Code, answer.status)
		}
		h := answer.Header()
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := h.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		found := map[string]string{}
		for directive := range strings.SplitSeq(h.Get("Content-Security-Policy"), "; ") {
			key, value, _ := strings.Cut(directive, " ")
			found[key] = value
		}
		if diff := cmp.Diff(policy, found); diff != "" {
			t.Errorf("%s: Content-Security-Policy (-want +got):\n%s", name, diff)
		}
	}
}

// waiting is a writer of a log whose disk is slow.
type waiting struct{ until chan struct{} }

func (w waiting) Write(p []byte) (int, error) {
	<-w.until
	return len(p), nil
}

// An answer is whole, with its length, before its line of the log is written.
func TestAnAnswerDoesNotWaitForTheLog(t *testing.T) {
	opts, log := fakeOptions(t), waiting{make(chan struct{})}
	opts.Logger = slog.New(slog.NewTextHandler(log, nil))
	server := httptest.NewServer(newServer(t, opts).Handler())
	defer server.Close()
	defer close(log.until)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/search", strings.NewReader(`{"vector":[1,0,0]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.ContentLength != int64(len(body)) || !strings.HasSuffix(string(body), "}\n") {
		t.Errorf("%d bytes of %d, error %v", len(body), answer.ContentLength, err)
	}
}
