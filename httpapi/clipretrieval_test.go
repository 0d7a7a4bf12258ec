package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"engram/httpapi/internal/fetch"
	"engram/httpapi/internal/problem"
)

// clipClient is a request as clip_client.py of rom1504/clip-retrieval sends it: all members
// each time, the unused inputs null, no Content-Type. changes replaces members.
func clipClient(t *testing.T, changes ...string) *http.Request {
	t.Helper()
	body := `{"text": null, "image": null, "image_url": null, "embedding_input": null, "deduplicate": true, "use_safety_model": true, ` +
		`"use_violence_detector": true, "indice_name": "colours", "use_mclip": false, "aesthetic_score": 9, "aesthetic_weight": 0.5, ` +
		`"modality": "image", "num_images": 40, "num_result_ids": 40}`
	for i := 0; i < len(changes); i += 2 {
		body = strings.Replace(body, changes[i], changes[i+1], 1)
	}
	r := httptest.NewRequest(http.MethodPost, "/knn-service", strings.NewReader(body))
	r.Header.Set("Accept", "*/*")
	return r
}

type knnHit struct {
	ID           uint64
	Similarity   *float64
	URL, Caption string
}

// The client of clip-retrieval gets what it expects, from each of its ways to ask.
func TestClipRetrievalsClient(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	store.mark(pink, "url", "https://example.com/pink.png")
	store.mark(green, "NSFW", "NSFW")
	s := newServer(t, opts)
	picture := base64.StdEncoding.EncodeToString(flatPNG(t, colours[blue]))
	for name, c := range map[string]struct {
		changes []string
		want    string // the ids
	}{
		"text":              {[]string{`"text": null`, `"text": "red"`}, "[1 18446744073709551615 4]"},
		"image":             {[]string{`"image": null`, `"image": "` + picture + `"`}, "[4 2 18446744073709551615]"},
		"embedding":         {[]string{`"embedding_input": null`, `"embedding_input": [250, 10, 10]`}, "[1 18446744073709551615 4]"},
		"text goes first":   {[]string{`"text": null, "image": null`, `"text": "red", "image": "` + picture + `"`}, "[1 18446744073709551615 4]"},
		"near-duplicates":   {[]string{`"text": null`, `"text": "red"`, `"deduplicate": true`, `"deduplicate": false`}, "[1 2 18446744073709551615 4]"},
		"unsafe ones too":   {[]string{`"text": null`, `"text": "green"`, `"use_safety_model": true`, `"use_safety_model": false`, `"num_result_ids": 40`, `"num_result_ids": 1`}, "[3]"},
		"no score":          {[]string{`"text": null`, `"text": "red"`, `"aesthetic_score": 9`, `"aesthetic_score": ""`, `"num_result_ids": 40`, `"num_result_ids": 1`}, "[1]"},
		"the default index": {[]string{`"text": null`, `"text": "red"`, `"indice_name": "colours"`, `"indice_name": null`, `"num_result_ids": 40`, `"num_result_ids": 1`}, "[1]"},
		"none":              {[]string{`"text": null`, `"text": "red"`, `"num_result_ids": 40`, `"num_result_ids": 0`}, "[]"},
	} {
		w := call(t, s, clipClient(t, c.changes...))
		ids := []uint64{}
		for _, hit := range decodeBody[[]knnHit](t, w, 200) {
			ids = append(ids, hit.ID)
			if hit.Similarity == nil || hit.Caption == "" || !strings.HasPrefix(hit.URL, "http") {
				t.Errorf("%s: a hit is %+v", name, hit)
			}
		}
		if fmt.Sprint(ids) != c.want {
			t.Errorf("%s: found %v, wanted %s", name, ids, c.want)
		}
	}
	hits := decodeBody[[]knnHit](t, call(t, s, clipClient(t, `"text": null`, `"text": "red"`, `"num_images": 40`, `"num_images": 2`, `"deduplicate": true`, `"deduplicate": false`)), 200)
	if hits[0].URL != "http://example.com/v1/items/1/image" || hits[1].URL != "https://example.com/pink.png" || len(hits) != 4 || hits[2].URL != "" {
		t.Errorf("the addresses are %+v, wanted two and no more", hits)
	}
	for body, want := range map[string]int{`{`: 400, `{}`: 400, `{"text":"red","indice_name":"other"}`: 404, `{"embedding_input":[1,2]}`: 422, `{"image":"%"}`: 400} {
		r := httptest.NewRequest(http.MethodPost, "/knn-service", strings.NewReader(body))
		decodeBody[problem.Details](t, call(t, s, r), want)
	}
}

func TestClipRetrievalsMetadata(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	if names := decodeBody[[]string](t, get(t, s, "/indices-list"), 200); fmt.Sprint(names) != "[colours]" {
		t.Errorf("the indexes are %v", names)
	}
	ask := func(body string) *httptest.ResponseRecorder {
		return call(t, s, httptest.NewRequest(http.MethodPost, "/metadata", strings.NewReader(body)))
	}
	type item struct {
		ID       uint64
		Metadata map[string]any
	}
	got := decodeBody[[]item](t, ask(`{"indice_name":"colours","ids":[18446744073709551615,1,77]}`), 200)
	if len(got) != 2 || got[0].ID != 18446744073709551615 || got[1].Metadata["caption"] != "a flat red picture" {
		t.Errorf("the metadata are %+v", got)
	}
	if w := ask(`{"indice_name":"colours","ids":[]}`); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("of no ids: %s", w.Body)
	}
}

// A picture is fetched only where that is switched on.
func TestPicturesByTheirAddress(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(flatPNG(t, colours[blue])) }))
	defer web.Close()
	opts := fakeOptions(t)
	ask := func(s *Server) *httptest.ResponseRecorder {
		return call(t, s, clipClient(t, `"image_url": null`, `"image_url": "`+web.URL+`"`))
	}
	if p := decodeBody[problem.Details](t, ask(newServer(t, opts)), 400); !strings.Contains(p.Detail, "--fetch-images") {
		t.Errorf("switched off: %+v", p)
	}
	opts.FetchImages = true
	s := newServer(t, opts)
	decodeBody[problem.Details](t, ask(s), 422) // it is on this machine
	s.fetcher = fetch.New(1<<20, func(netip.Addr) bool { return true })
	if hits := decodeBody[[]knnHit](t, ask(s), 200); hits[0].ID != uint64(blue) {
		t.Errorf("found %+v", hits[0])
	}
}
