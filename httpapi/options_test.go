package httpapi

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"engram/httpapi/internal/problem"
)

// answerOf sends a request without holding it to openapi.yaml, which it breaks.
func answerOf(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// No option of any route is ever left out in silence.
func TestEveryRouteRefusesOptionsItDoesNotKnow(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for _, r := range s.routes() {
		address := strings.NewReplacer(":id", "1", ":file", "app.js").Replace(r.path)
		for query, want := range map[string]string{
			"filters=x": `no option "filters"`, "K=3": `no option "K"`, "k=5&filter=100%": "cannot be read", "a=1;b=2": "cannot be read",
			"limit=%zz": "cannot be read",
		} {
			request := here(r.method, address, `{"item":"1"}`)
			request.URL.RawQuery = query
			request.Header.Set("Content-Type", "application/json")
			w := answerOf(s, request)
			if page := r.options != nil && r.options[0] == anyOption; page {
				if w.Code != http.StatusOK {
					t.Errorf("%s?%s: status %d, want the page", address, query, w.Code)
				}
				continue
			}
			if p := decodeBody[problem.Details](t, w, http.StatusBadRequest); !strings.HasSuffix(p.Type, "unusable-query") || !strings.Contains(p.Detail, want) {
				t.Errorf("%s?%s: %+v, want %q", address, query, p, want)
			}
		}
		for _, name := range r.options {
			for query, want := range map[string]string{name + "=1&" + name + "=1": "2 times", name + "=": "is empty", name: "is empty"} {
				if name == anyOption {
					continue
				}
				request := here(r.method, address, `{"item":"1"}`)
				request.URL.RawQuery = query
				request.Header.Set("Content-Type", "application/json")
				if p := decodeBody[problem.Details](t, answerOf(s, request), http.StatusBadRequest); !strings.Contains(p.Detail, want) {
					t.Errorf("%s?%s: %+v, want %q", address, query, p, want)
				}
			}
		}
	}
}

func TestQueryObjectsAreReadToTheLetter(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for body, want := range map[string]string{
		`{"item":"1","k":1,"k":2}`:               `"k" comes twice`,
		`{"item":"1","K":1}`:                     `unknown field "K"`,
		`{"item":"1","Filter":{"key":"a"}}`:      `unknown field "Filter"`,
		`{"item":"1","k":2.5}`:                   "k is 2.5, wanted a whole number",
		`{"item":"1","k":1e300}`:                 "k is 1e300, wanted a whole number",
		`{"item":"1","k":[2]}`:                   "k is an array",
		`{"item":"1","item":"2","k":2}`:          `"item" comes twice`,
		`{"item":"1","k":true}`:                  "k is true",
		`{"item":"1","filter":{"a":1,"a":[{}]}}`: "twice",
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/search", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if p := decodeBody[problem.Details](t, answerOf(s, r), http.StatusBadRequest); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %+v, want %q", body, p, want)
		}
	}
	for _, k := range []string{"2", "2.0", "2e0", "20e-1"} { // integers of JSON Schema
		if got := hitIDs(t, ask(t, s, `{"item":"1","k":`+k+`}`)); len(got) != 2 {
			t.Errorf("k %s: %d hits, want 2", k, len(got))
		}
	}
	var form strings.Builder
	for _, part := range []string{"k\"\r\n\r\n1", "k\"\r\n\r\n2", "image\"; filename=\"a.png\"\r\n\r\nx"} {
		form.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + part + "\r\n")
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/search", strings.NewReader(form.String()+"--b--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if p := decodeBody[problem.Details](t, answerOf(s, r), http.StatusBadRequest); !strings.Contains(p.Detail, "k comes twice") {
		t.Errorf("two fields k: %+v", p)
	}
}

func TestBodiesMayBeGzipped(t *testing.T) {
	opts := fakeOptions(t)
	opts.MaxBodyBytes = 1 << 16
	s := newServer(t, opts)
	pack := func(text string) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		fmt.Fprint(w, text)
		w.Close()
		return out.Bytes()
	}
	query := pack(`{"item":"1","k":2}`)
	for name, c := range map[string]struct {
		coding string
		body   []byte
		status int
		detail string
	}{
		"gzip":         {"gzip", query, 200, ""},
		"x-gzip":       {"X-GZIP", query, 200, ""},
		"identity":     {"identity", []byte(`{"item":"1"}`), 200, ""},
		"brotli":       {"br", query, 415, "wanted gzip or none"},
		"twice":        {"gzip, gzip", query, 415, "wanted gzip or none"},
		"cut":          {"gzip", query[:len(query)-9], 400, "the body ends in the middle"},
		"empty":        {"gzip", nil, 400, "the body ends in the middle"},
		"no gzip":      {"gzip", []byte(`{"item":"1"}`), 400, "invalid header"},
		"bad checksum": {"gzip", append(bytes.Clone(query[:len(query)-8]), "12345678"...), 400, "checksum"},
		"bomb":         {"gzip", pack(`{"item":"1"` + strings.Repeat(" ", 1<<22) + `}`), 413, "larger than the 65536 bytes"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/search", bytes.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", c.coding)
		w := answerOf(s, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.detail) {
			t.Errorf("%s: status %d, %s; want %d and %q", name, w.Code, w.Body, c.status, c.detail)
		}
		if c.status == 415 && w.Header().Get("Accept-Encoding") == "" {
			t.Errorf("%s: the answer does not say which codings are read", name)
		}
	}
}

// What http.ServeContent would answer as plain text is a problem.
func TestRangesAndConditions(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for _, address := range []string{"/v1/items/3/image", "/assets/app.js"} {
		for header, c := range map[string]struct {
			value  string
			status int
			slug   string
		}{
			"Range": {"bytes=99999999-", 416, "no-such-range"}, "range": {"lines=1-2", 416, "no-such-range"}, "If-Match": {`"another"`, 412, "precondition-failed"},
		} {
			r := httptest.NewRequest(http.MethodGet, address, nil)
			r.Header.Set(header, c.value)
			w := answerOf(s, r)
			if p := decodeBody[problem.Details](t, w, c.status); !strings.HasSuffix(p.Type, c.slug) || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, %s %s: %+v", address, header, c.value, p)
			}
			if got := w.Header().Get("Content-Range"); header == "Range" && !strings.HasPrefix(got, "bytes */") {
				t.Errorf("%s: Content-Range %q", address, got)
			}
		}
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Header.Set("Range", "bytes=1-3")
		if w := answerOf(s, r); w.Code != 206 || w.Body.Len() != 3 {
			t.Errorf("%s: status %d, %d bytes, want a part", address, w.Code, w.Body.Len())
		}
	}
}

func TestCORS(t *testing.T) {
	opts := fakeOptions(t)
	preflight := func(s *Server, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodOptions, "/v1/search", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		return answerOf(s, r)
	}
	if p := decodeBody[problem.Details](t, preflight(newServer(t, opts), "https://a.example"), 405); !strings.Contains(p.Detail, "--cors") {
		t.Errorf("without CORS: %+v, want a word of it", p)
	}
	opts.CORS = []string{"https://a.example"}
	s := newServer(t, opts)
	w := preflight(s, "https://a.example")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "https://a.example" || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: status %d, %v", w.Code, w.Header())
	}
	if w := preflight(s, "https://b.example"); w.Code != 405 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: status %d, %v", w.Code, w.Header())
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/info", nil)
	r.Header.Set("Origin", "https://a.example")
	if w := answerOf(s, r); w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "https://a.example" || w.Header().Get("Vary") != "Origin" {
		t.Errorf("info: status %d, %v", w.Code, w.Header())
	}
	opts.CORS = []string{"a.example", "https://a.example/", "ftp://a"}
	if _, err := New(opts); err == nil || strings.Count(err.Error(), "of CORS") != 3 {
		t.Errorf("error %v, want three faults", err)
	}
}
