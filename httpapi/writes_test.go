package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"engram/httpapi/internal/problem"
	"engram/index/local"
)

// writable returns the options of a server that writes to an index of its own, which is
// empty.
func writable(t testing.TB) Options {
	t.Helper()
	opts := fakeOptions(t)
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: 3, Space: opts.Encoder.Space})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	opts.Store, opts.Writable, opts.Trials = store, true, nil
	return opts
}

// here is a request from the server's own machine.
func here(method, address, body string) *http.Request {
	r := httptest.NewRequest(method, "http://localhost"+address, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func TestItemsArePutAndDeleted(t *testing.T) {
	opts := writable(t)
	s := newServer(t, opts)
	picture := base64.StdEncoding.EncodeToString(flatPNG(t, colours[green]))
	for _, step := range []struct {
		method, address, body string
		status                int
		written, deleted      int
	}{
		{"POST", "/v1/items", `{"items":[{"id":1,"vector":[1,0,0],"payload":{"path":"red.png","n":3}},{"id":"18446744073709551615","vector":[1,1,0]}]}`, 200, 2, 0},
		{"PUT", "/v1/items/3", `{"image":"` + picture + `","payload":{"caption":"green"}}`, 200, 1, 0},
		{"PUT", "/v1/items/3", `{"payload":{"caption":"a green picture"}}`, 200, 1, 0},
		{"POST", "/v1/items", `{"items":[{"id":1,"payload":{"n":4}},{"id":77,"payload":{}}]}`, 200, 1, 0},
		{"PUT", "/v1/items/77", `{"payload":{}}`, 404, 0, 0},
		{"POST", "/v1/items/delete", `{"ids":["18446744073709551615",77]}`, 200, 0, 1},
		{"DELETE", "/v1/items/77", "", 404, 0, 0},
	} {
		w := call(t, s, here(step.method, step.address, step.body))
		if step.status != 200 {
			decodeBody[problem.Details](t, w, step.status)
			continue
		}
		if got := decodeBody[writtenView](t, w, 200); got != (writtenView{step.written, step.deleted}) {
			t.Errorf("%s %s: %+v", step.method, step.address, got)
		}
	}
	if ids := hitIDs(t, ask(t, s, `{"vector":[0,1,0]}`)); fmt.Sprint(ids) != "[3 1]" {
		t.Errorf("found %v, wanted the green picture and then the red", ids)
	}
	got := decodeBody[itemList](t, get(t, s, "/v1/items"), 200)
	if got.Total != 2 || got.Items[0].Payload["n"] != float64(4) || got.Items[1].Payload["caption"] != "a green picture" {
		t.Errorf("the items are %+v", got)
	}
	decodeBody[writtenView](t, call(t, s, here("DELETE", "/v1/items/3", "")), 200)
	decodeBody[problem.Details](t, get(t, s, "/v1/items/3"), 404)
}

// What is wrong with a write changes nothing.
func TestWritesAreAllOrNothing(t *testing.T) {
	opts := writable(t)
	s := newServer(t, opts)
	for body, want := range map[string]string{
		`{"items":[]}`: "unusable-query", `{"items":[{"id":1}]}`: "unusable-query", `{"items":[{"vector":[1,0,0]}]}`: "unusable-query",
		`{"items":[{"id":1,"vector":[1,0,0]},{"id":2,"vector":[1,0]}]}`:          "wrong-dimension",
		`{"items":[{"id":1,"vector":[1,0,0]},{"id":2,"vector":[0,0,0]}]}`:        "unusable-vector",
		`{"items":[{"id":1,"vector":[1,0,0]},{"id":2,"vector":[1,0,null]}]}`:     "unreadable-body",
		`{"items":[{"id":1,"vector":[1,0,0]},{"id":2,"vector":[1,0,1e39]}]}`:     "not-finite",
		`{"items":[{"id":1,"vector":[1,0,0],"payload":{"a":{"b":1}}}]}`:          "unusable-payload",
		`{"items":[{"id":1,"vector":[1,0,0]},{"id":2,"payload":{}}]}`:            "unusable-query",
		`{"items":[{"id":1,"vector":[1,0,0],"image":"aGk="}]}`:                   "unusable-query",
		`{"items":[{"id":1,"image":"aGk="}]}`:                                    "unreadable-image",
		`{"items":[{"id":-1,"vector":[1,0,0]}]}`:                                 "unusable-query",
		`{"items":[{"id":1,"id":2,"vector":[1,0,0]}]}`:                           "unreadable-body",
		`{"items":[{"id":1,"vector":[1,0,0],"color":1}]}`:                        "unreadable-body",
		`{"items":[{"id":1,"vector":[1,0,0]}]`:                                   "unreadable-body",
		`{"items":[{"id":1,"text":"red"}]}`:                                      "unreadable-body",
		`{"items":[` + strings.Repeat(`{"id":1,"payload":{}},`, 10_000) + `{}]}`: "unusable-query",
	} {
		w := call(t, s, here("POST", "/v1/items", body))
		var p problem.Details
		if p = decodeBody[problem.Details](t, w, w.Code); w.Code < 400 || !strings.HasSuffix(p.Type, ":"+want) {
			t.Errorf("%.80s: %d %s, %s, wanted %s", body, w.Code, p.Type, p.Detail, want)
		}
	}
	if list := decodeBody[itemList](t, get(t, s, "/v1/items"), 200); list.Total != 0 {
		t.Errorf("%d items were written", list.Total)
	}
}

// Who may write: nobody on a server that only reads, this machine on one without keys, and
// keys with that role; and never the page of another site.
func TestWhoMayWrite(t *testing.T) {
	const address, body = "/v1/items", `{"items":[{"id":1,"vector":[1,0,0]}]}`
	status := func(opts Options, change func(*http.Request)) int {
		r := here("POST", address, body)
		change(r)
		return call(t, newServer(t, opts), r).Code
	}
	opts := writable(t)
	reading := opts
	reading.Writable = false
	for name, c := range map[string]struct {
		opts   Options
		change func(*http.Request)
		want   int
	}{
		"of a server that reads": {reading, func(*http.Request) {}, 403},
		"from here":              {opts, func(*http.Request) {}, 200},
		"from elsewhere":         {opts, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, 403},
		"by another name":        {opts, func(r *http.Request) { r.Host = "rebound.example" }, 403},
		"from another site":      {opts, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"from another origin":    {opts, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"as a form":              {opts, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
	} {
		if got := status(c.opts, c.change); got != c.want {
			t.Errorf("%s: status %d, wanted %d", name, got, c.want)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	opts := writable(b)
	handler := newServer(b, opts).Handler()
	for i := 0; b.Loop(); i++ {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, here("PUT", fmt.Sprintf("/v1/items/%d", i), `{"vector":[1,0,0],"payload":{"a":"b"}}`))
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
