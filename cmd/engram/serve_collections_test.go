package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"engram/cmd/engram/internal/app"
)

// collectionsOfModels are an index of pixels, and a folder of indexes of scenes by their CLIP.
type collectionsOfModels struct {
	own, folder     string
	caption, answer string // of a scene, and the end of its path
	picture         string // base64 of it
	pixels          string // base64 of an image of own
}

func newCollectionsOfModels(t *testing.T, c *cli) collectionsOfModels {
	t.Helper()
	photos, dir := writePhotos(t), t.TempDir()
	drawings, drawn := drawTestScenes(t, 1, 24)
	m := collectionsOfModels{
		own: filepath.Join(dir, "photos.index"), folder: filepath.Join(dir, "others"),
		caption: drawn[7].Captions()[0], answer: fmt.Sprintf("%012d.png", 8),
	}
	encoded := func(path string) string {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	m.picture, m.pixels = encoded(filepath.Join(drawings, m.answer)), encoded(filepath.Join(photos, "p21.png"))
	c.must("index", "build", photos, "--out", m.own)
	for _, name := range []string{"scenes", "more"} {
		c.must("index", "build", drawings, "--model", app.ScenesCLIP, "--out", filepath.Join(m.folder, name))
	}
	return m
}

// models returns what is open, as "use name", beside the model of the server's own index.
func (s *served) models() string {
	s.t.Helper()
	var list struct{ Models []struct{ Use, Name string } }
	if status := s.call(&list, "/v1/models", "", ""); status != http.StatusOK {
		s.t.Fatalf("/v1/models: status %d", status)
	}
	var all []string
	for _, m := range list.Models[1:] {
		all = append(all, m.Use+" "+m.Name)
	}
	return strings.Join(all, ", ")
}

// first sends a search to a collection and returns the path of its first hit.
func (s *served) first(collection, body string) string {
	s.t.Helper()
	var found searchAnswer
	if status := s.do(&found, "POST", "/v1/collections/"+collection+"/search", body); status != http.StatusOK || len(found.Hits) == 0 {
		s.t.Errorf("a search of %s: status %d, %s", collection, status, found.Detail)
		return ""
	}
	return found.Hits[0].Payload["path"].(string)
}

func words(text string) string      { return field("text", text) }
func picture(encoded string) string { return field("image", encoded) }

func field(name, value string) string {
	text, err := json.Marshal(map[string]any{name: value, "k": 1})
	if err != nil {
		panic(err) // it has nothing but text
	}
	return string(text)
}

// A collection is searched by words and pictures with the model that it was made with, which
// is opened when it is first asked for.
func TestCollectionsOfAnotherModel(t *testing.T) {
	c := newCLI(t)
	m := newCollectionsOfModels(t, c)
	s := c.serve("--index", m.own, "--collections", m.folder)
	var found searchAnswer
	var scenes struct{ Dim int }
	s.call(&scenes, "/v1/collections/scenes", "", "")
	s.do(&found, "POST", "/v1/collections/scenes/search", `{"vector":[`+strings.Repeat("1,", scenes.Dim-1)+`1]}`)
	if got := s.models(); len(found.Hits) == 0 || got != "" {
		t.Errorf("after a search by vector %q is open, wanted nothing; %d hits", got, len(found.Hits))
	}
	for _, collection := range []string{"scenes", "more"} {
		if got := s.first(collection, words(m.caption)); !strings.HasSuffix(got, m.answer) {
			t.Errorf("words in %s find %s, wanted %s", collection, got, m.answer)
		}
		if got := s.models(); got != "text scenes-clip 2" {
			t.Errorf("after words in %s %q is open, wanted one encoder of words", collection, got)
		}
	}
	if got := s.first("more", picture(m.picture)); !strings.HasSuffix(got, m.answer) {
		t.Errorf("a picture finds %s, wanted %s", got, m.answer)
	}
	if got := s.models(); got != "image scenes-clip 2, text scenes-clip 2" {
		t.Errorf("after words and a picture %q is open", got)
	}
	var own searchAnswer
	if status := s.do(&own, "POST", "/v1/search", picture(m.pixels)); status != 200 || own.Hits[0].Payload["path"] != "p21.png" {
		t.Errorf("the server's own index: status %d, %+v", status, own)
	}
	if stderr, status := s.stop(); status != 0 {
		t.Errorf("at the end: status %d, %s", status, stderr)
	}

	// Another machine has not the folder that the index remembers, but the binary has the model.
	elsewhere := newCLI(t)
	s = elsewhere.serve("--index", m.own, "--collections", m.folder)
	if got := s.first("scenes", words(m.caption)); !strings.HasSuffix(got, m.answer) {
		t.Errorf("words elsewhere find %s, wanted %s", got, m.answer)
	}
}

// Where one model may be open at once, requests take turns with it, and none loses it.
func TestCollectionsTakeTurnsWithOneModel(t *testing.T) {
	c := newCLI(t)
	m := newCollectionsOfModels(t, c)
	s := c.serve("--index", m.own, "--collections", m.folder, "--max-models", "1")
	var done sync.WaitGroup
	for i := range 12 {
		collection, body := []string{"scenes", "more"}[i%2], []string{words(m.caption), picture(m.picture)}[i/2%2]
		done.Go(func() {
			for range 3 {
				if got := s.first(collection, body); !strings.HasSuffix(got, m.answer) {
					t.Errorf("%.20s in %s finds %s, wanted %s", body, collection, got, m.answer)
				}
			}
		})
	}
	done.Wait()
	s.first("scenes", words(m.caption))
	if got := s.models(); got != "text scenes-clip 2" {
		t.Errorf("%q is open, wanted one model", got)
	}
	if stderr, status := s.stop(); status != 0 {
		t.Errorf("at the end: status %d, %s", status, stderr)
	}
	c.refuse([]string{"--max-models is -1, wanted 1 or more"}, "serve", "--index", m.own, "--collections", m.folder, "--max-models", "-1")
}

// A model that is not there is named with what installs it, and a visitor's request fetches
// nothing.
func TestCollectionsWithoutTheirModel(t *testing.T) {
	c := newCLI(t)
	m := newCollectionsOfModels(t, c)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was fetched", r.Method, r.URL)
		http.Error(w, "no", http.StatusNotFound)
	}))
	defer hub.Close()
	c.env = map[string]string{"HF_ENDPOINT": hub.URL}
	if err := os.Rename(m.own, filepath.Join(m.folder, "photos")); err != nil {
		t.Fatal(err)
	}
	s := c.serve("--index", filepath.Join(m.folder, "scenes"), "--collections", m.folder, "--writable")
	for _, create := range []string{
		`{"name":"published","dim":512,"model":{"name":"clip-vit-base-patch32 fp32","fingerprint":"` + strings.Repeat("ab", 32) + `"}}`,
		`{"name":"private","dim":512,"model":{"name":"ours 3","fingerprint":"` + strings.Repeat("cd", 32) + `"}}`,
		`{"name":"vectors","dim":3,"model":{"name":"","fingerprint":""}}`,
	} {
		var made struct{ Detail string }
		if status := s.do(&made, "POST", "/v1/collections", create); status != http.StatusCreated {
			t.Fatalf("%s: status %d, %s", create, status, made.Detail)
		}
	}
	for _, test := range []struct{ collection, body, slug, detail string }{
		{"published", words("a dog"), "no-text-model", "this collection is of the model clip-vit-base-patch32 fp32 (abababababab), which is not installed on the server: engram model get clip-vit-b-32 fetches it"},
		{"published", picture(m.pixels), "no-image-model", "engram model get clip-vit-b-32 fetches it"},
		{"private", words("a dog"), "no-text-model", "the model ours 3 (cdcdcdcdcdcd), which is not installed on the server: engram model get or engram model import installs it"},
		{"vectors", words("a dog"), "no-text-model", "nobody says which model made this collection, so that it cannot be searched by words"},
		{"vectors", picture(m.pixels), "no-image-model", "nobody says which model made this collection, so that it cannot be searched by image"},
		{"photos", words("a dog"), "no-text-model", "an index of plain pixels finds what looks alike and knows no words"},
	} {
		var problem struct{ Type, Detail string }
		status := s.do(&problem, "POST", "/v1/collections/"+test.collection+"/search", test.body)
		if status != http.StatusNotImplemented || problem.Type != "urn:engram:problem:"+test.slug || !strings.Contains(problem.Detail, test.detail) || strings.Contains(problem.Detail, m.folder) {
			t.Errorf("%.20s in %s: status %d, %s, %q, wanted %s, %q", test.body, test.collection, status, problem.Type, problem.Detail, test.slug, test.detail)
		}
	}
	if got := s.first("photos", picture(m.pixels)); got != "p21.png" {
		t.Errorf("a picture in photos finds %s, wanted p21.png", got)
	}
}
