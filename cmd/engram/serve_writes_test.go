package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// do makes a request with a JSON body and decodes the answer.
func (s *served) do(answer any, method, path, body string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode
}

// A server with --writable takes the index's lock, and what was answered is there when it
// is started again; collections beside the index are made, searched and dropped.
func TestServeWritesAndCollections(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	index, others, copies := filepath.Join(dir, "photos.index"), filepath.Join(dir, "others"), filepath.Join(dir, "copies")
	c.must("index", "build", photos, "--out", index)
	args := []string{"--index", index, "--collections", others, "--snapshots", copies, "--writable"}
	s := c.serve(args...)
	var problem struct{ Detail string }
	ok := func(want int, method, path, body string) {
		t.Helper()
		if status := s.do(&problem, method, path, body); status != want {
			t.Fatalf("%s %s: status %d, %s", method, path, status, problem.Detail)
		}
	}
	picture, err := os.ReadFile(filepath.Join(photos, "p21.png"))
	if err != nil {
		t.Fatal(err)
	}
	item := `{"image":"` + base64.StdEncoding.EncodeToString(picture) + `","payload":{"kind":"put"}}`
	ok(200, "PUT", "/v1/items/7", item)
	ok(201, "POST", "/v1/collections", `{"name":"more"}`)
	ok(200, "PUT", "/v1/collections/more/items/8", item)
	ok(201, "POST", "/v1/collections/more/snapshots", "")
	c.in = "7\n"
	c.refuse([]string{"in use"}, "index", "delete", index)
	s.stop()

	s = c.serve(args...)
	for path, want := range map[string]string{"/v1/items/7": "put", "/v1/collections/more/items/8": "put"} {
		var got struct{ Payload map[string]any }
		if status := s.do(&got, "GET", path, ""); status != 200 || got.Payload["kind"] != want {
			t.Errorf("%s after a restart: status %d, %v", path, status, got.Payload)
		}
	}
	var found searchAnswer
	if status := s.do(&found, "POST", "/v1/collections/more/search", `{"image":"`+base64.StdEncoding.EncodeToString(picture)+`"}`); status != 200 || len(found.Hits) != 1 || found.Hits[0].Score < .999 {
		t.Errorf("a search of the collection: status %d, %+v", status, found)
	}
	ok(200, "DELETE", "/v1/collections/more", "")
	ok(404, "GET", "/v1/collections/more", "")
	if made, err := os.ReadDir(copies); err != nil || len(made) != 1 {
		t.Errorf("the snapshots are %v, %v", made, err)
	}
}
