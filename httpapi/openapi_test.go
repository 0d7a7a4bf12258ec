package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"engram/httpapi/internal/problem"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
)

// specification is openapi.yaml, and the router that finds the operation of a
// request in it.
type specification struct {
	doc    *openapi3.T
	router routers.Router
}

// readSpecification reads openapi.yaml once for all tests; none changes it.
// NewRouter checks the document itself: its references, its types and its
// examples.
var readSpecification = sync.OnceValues(func() (*specification, error) {
	raw, err := files.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, err
	}
	// The validator reads a body only where it knows a decoder for the media
	// type. The bytes of files are for the server to judge.
	for _, mediaType := range []string{"application/x-npy", "image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml",
		"text/html", "text/css", "text/javascript", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.FileBodyDecoder)
	}
	router, err := legacy.NewRouter(doc)
	return &specification{doc, router}, err
})

func openSpecification(t testing.TB) *specification {
	t.Helper()
	spec, err := readSpecification()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return spec
}

// exchange is a request with its body and the answer to it.
type exchange struct {
	request *http.Request
	sent    []byte
	status  int
	header  http.Header
	body    []byte
}

// faults compares an exchange with the specification. The answer must be one
// that the operation lists, with a body that fits its schema. A request that
// was granted must be one that the specification allows; a request that was
// refused may be anything.
func (s *specification) faults(ctx context.Context, e exchange) error {
	if e.status >= 400 && e.status != http.StatusRequestedRangeNotSatisfiable {
		if mediaType, _, _ := strings.Cut(e.header.Get("Content-Type"), ";"); mediaType != "application/problem+json" {
			return fmt.Errorf("status %d came as %q, want a problem", e.status, mediaType)
		}
	}
	request := e.request.Clone(ctx)
	if request.Method == http.MethodHead {
		request.Method = http.MethodGet // HEAD is answered wherever GET is
	}
	if request.Header.Get("Content-Type") == "" && len(e.sent) > 0 {
		request.Header.Set("Content-Type", "application/json") // which clients of clip-retrieval leave out
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(e.sent)), int64(len(e.sent))
	route, params, err := s.router.FindRoute(request)
	if err != nil {
		if e.status == http.StatusNotFound || e.status == http.StatusMethodNotAllowed {
			return s.problem(e)
		}
		return fmt.Errorf("status %d for a request of no operation: %w", e.status, err)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc} // the server judges keys
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	if e.status < 400 {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("status %d for a request that is not specified: %w", e.status, err)
		}
	}
	if e.request.Method == http.MethodHead {
		return nil
	}
	if route.Operation.Responses.Status(e.status) == nil && e.status < 400 {
		return fmt.Errorf("status %d is not specified", e.status)
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.status, Header: e.header, Options: options,
		Body: io.NopCloser(bytes.NewReader(e.body)),
	})
}

// problem checks an answer that belongs to no operation.
func (s *specification) problem(e exchange) error {
	var body any
	if err := json.Unmarshal(e.body, &body); err != nil {
		return err
	}
	return s.doc.Components.Schemas["Problem"].Value.VisitJSON(body, openapi3.EnableJSONSchema2020())
}

// checked wraps the handler of s: every request that passes through it, and
// the answer to it, is held to openapi.yaml.
func checked(t *testing.T, s *Server) http.Handler {
	t.Helper()
	spec, handler := openSpecification(t), s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: the request's body: %v", r.Method, r.URL.Path, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		recorded := httptest.NewRecorder()
		handler.ServeHTTP(recorded, r)
		e := exchange{request: r, sent: sent, status: recorded.Code, header: recorded.Header(), body: recorded.Body.Bytes()}
		if err := spec.faults(context.WithoutCancel(r.Context()), e); err != nil {
			fault, _, _ := strings.Cut(err.Error(), "\n") // the schema and the value follow
			t.Errorf("%s %s: %s", r.Method, r.URL, fault)
		}
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes()) // a visitor who is gone is no fault of the server
	})
}

// ginPath turns /v1/items/{id} into /v1/items/:id.
func ginPath(specPath string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(specPath)
}

func TestSpecificationAndRoutesAreTheSame(t *testing.T) {
	var specified, served []string
	for p, item := range openSpecification(t).doc.Paths.Map() {
		for method := range item.Operations() {
			specified = append(specified, method+" "+ginPath(p))
		}
	}
	for _, r := range newServer(t, fakeOptions(t)).router().Routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	slices.Sort(specified)
	slices.Sort(served)
	if diff := cmp.Diff(served, specified); diff != "" {
		t.Errorf("routes (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestSpecificationListsEveryProblem(t *testing.T) {
	var specified, served []string
	for _, v := range openSpecification(t).doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum {
		specified = append(specified, v.(string))
	}
	for _, kind := range append(slices.Clone(problem.Table), problem.Internal) {
		served = append(served, "urn:engram:problem:"+kind.Slug)
	}
	slices.Sort(specified)
	slices.Sort(served)
	if diff := cmp.Diff(slices.Compact(served), specified); diff != "" {
		t.Errorf("problem table (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestTheSpecificationCheckFindsFaults(t *testing.T) {
	spec := openSpecification(t)
	const problem = `{"type":"urn:engram:problem:no-such-item","title":"a","status":404,"detail":"b","request_id":"c"}`
	for _, test := range []struct {
		name, method, address, sent string
		status                      int
		contentType, body, want     string
	}{
		{"a good item", "GET", "/v1/items/1", "", 200, "application/json", `{"id":"1","payload":{}}`, ""},
		{"a good problem", "GET", "/v1/items/1", "", 404, "application/problem+json", problem, ""},
		{"a good problem of no route", "GET", "/v2", "", 404, "application/problem+json", problem, ""},
		{"a member is missing", "GET", "/v1/items/1", "", 200, "application/json", `{"id":"1"}`, "payload"},
		{"a member too many", "GET", "/v1/items/1", "", 200, "application/json", `{"id":"1","payload":{},"x":1}`, "x"},
		{"a wrong type", "GET", "/v1/items/1", "", 200, "application/json", `{"id":1,"payload":{}}`, "id"},
		{"a pattern that is not held", "GET", "/v1/items/1", "", 200, "application/json", `{"id":"-1","payload":{}}`, "id"},
		{"no object", "GET", "/v1/items/1", "", 200, "application/json", `[]`, "object"},
		{"a status that is not listed", "GET", "/v1/items/1", "", 201, "application/json", `{"id":"1","payload":{}}`, "201"},
		{"an error that is no problem", "GET", "/v1/items/1", "", 404, "application/json", problem, "want a problem"},
		{"a problem that is not in the table", "GET", "/v2", "", 404, "application/problem+json",
			strings.Replace(problem, "no-such-item", "new", 1), "type"},
		{"an answer at no route", "GET", "/v2", "", 200, "application/json", `{}`, "no operation"},
		{"a granted query with a member too many", "POST", "/v1/search", `{"item":"1","x":2}`, 200, "application/json",
			`{"query":{"kind":"item"},"took_ms":1,"model":{"name":"a","fingerprint":"b"},"hits":[]}`, "not specified"},
		{"a granted parameter that is no number", "GET", "/v1/items?limit=x", "", 200, "application/json", `{"items":[]}`, "limit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.address, nil)
			if test.sent != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			err := spec.faults(t.Context(), exchange{request: r, sent: []byte(test.sent), status: test.status,
				header: http.Header{"Content-Type": {test.contentType}}, body: []byte(test.body)})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("fault is %v, want one with %q", err, test.want)
			}
		})
	}
}
