package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/httpapi/internal/problem"
	"engram/httpapi/pictures"
	"engram/index"

	"github.com/google/go-cmp/cmp"
)

func TestItems(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	want := itemView{ID: "18446744073709551615", ImageURL: "v1/items/18446744073709551615/image", ThumbnailURL: "v1/items/18446744073709551615/thumbnail",
		Payload: index.Payload{"path": "yellow.png", "caption": "a flat yellow picture"}}
	got := decodeBody[itemView](t, get(t, s, "/v1/items/18446744073709551615"), http.StatusOK)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
	for _, id := range []string{"99", "-1", "1.0", "cat", "18446744073709551616"} {
		if p := decodeBody[problem.Details](t, get(t, s, "/v1/items/"+id), http.StatusNotFound); !strings.HasSuffix(p.Type, "no-such-item") {
			t.Errorf("item %s: %+v", id, p)
		}
	}

	type list struct{ Items []itemView }
	for address, want := range map[string][]string{
		"":         {"1", "2", "3", "4", want.ID},
		"?limit=2": {"1", "2"},
		"?limit=0": nil,
		"?filter=" + url.QueryEscape(`{"key":"caption","text":"picture green"}`):           {"3"},
		"?limit=2&after=1&filter=" + url.QueryEscape(`{"key":"caption","text":"picture"}`): {"2", "3"},
	} {
		var ids []string
		for _, item := range decodeBody[list](t, get(t, s, "/v1/items"+address), http.StatusOK).Items {
			ids = append(ids, item.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("items%s are %v, want %v", address, ids, want)
		}
	}
	for _, limit := range []string{"-1", "101", "x", "99999999999999999999"} {
		decodeBody[problem.Details](t, get(t, s, "/v1/items?limit="+limit), http.StatusBadRequest)
	}
	decodeBody[problem.Details](t, get(t, s, "/v1/items?filter="+url.QueryEscape(`{"key":"caption"}`)), http.StatusBadRequest)
}

func TestImageIsTheFile(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	want := flatPNG(t, colours[green])
	w := get(t, s, "/v1/items/3/image")
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) {
		t.Fatalf("status %d, %d bytes, want the file's %d", w.Code, w.Body.Len(), len(want))
	}
	etag := w.Header().Get("ETag")
	if w.Header().Get("Content-Type") != "image/png" || w.Header().Get("X-Content-Type-Options") != "nosniff" ||
		etag == "" || w.Header().Get("Last-Modified") == "" {
		t.Errorf("headers are %v", w.Header())
	}

	r := httptest.NewRequest(http.MethodGet, "/v1/items/3/image", nil)
	r.Header.Set("If-None-Match", etag)
	if w := call(t, s, r); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("asked with its ETag: status %d, %d bytes, want 304 and none", w.Code, w.Body.Len())
	}
	r = httptest.NewRequest(http.MethodGet, "/v1/items/3/image", nil)
	r.Header.Set("Range", "bytes=1-3")
	if w := call(t, s, r); w.Code != http.StatusPartialContent || w.Body.String() != "PNG" {
		t.Errorf("bytes 1 to 3: status %d, %q, want 206 and PNG", w.Code, w.Body)
	}
}

func TestImageNeverLeavesItsFolder(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	dir := picturesOf(t, opts)
	outside := filepath.Join(t.TempDir(), "outside.png")
	if err := os.WriteFile(outside, flatPNG(t, colours[red]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page.png"), []byte("<html><script>alert(1)</script>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "drawing.svg"), []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 0o600); err != nil {
		t.Fatal(err)
	}
	upwards, err := filepath.Rel(dir, outside)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	opts.Logger = logTo(&log)
	s := newServer(t, opts)
	for name, payload := range map[string]index.Payload{
		"upwards":              {"path": upwards},
		"upwards by a detour":  {"path": "x/../" + upwards},
		"absolute outside":     {"path": outside},
		"through a link":       {"path": "link.png"},
		"the folder itself":    {"path": "."},
		"empty":                {"path": ""},
		"no path":              {},
		"path of another type": {"path": int64(3)},
		"not there":            {"path": "gone.png"},
		"a page":               {"path": "page.png"},
		"a drawing":            {"path": "drawing.svg"},
	} {
		t.Run(name, func(t *testing.T) {
			store.items[50] = index.Item{ID: 50, Vector: []float32{1, 0, 0}, Payload: payload}
			p := decodeBody[problem.Details](t, get(t, s, "/v1/items/50/image"), http.StatusNotFound)
			if p.Detail != "the image of item 50 is not there" {
				t.Errorf("detail is %q", p.Detail)
			}
		})
	}
	store.items[50] = index.Item{ID: 50, Payload: index.Payload{"path": filepath.Join(dir, "blue.png")}}
	if w := get(t, s, "/v1/items/50/image"); w.Code != http.StatusOK {
		t.Errorf("an absolute path within the folder: %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "gone.png") {
		t.Errorf("the log does not tell of the missing file: %s", log.String())
	}
}

// brokenImages cannot be read.
type brokenImages struct{}

func (brokenImages) Names(index.Payload) bool { return true }

func (brokenImages) Open(context.Context, index.Item) (pictures.Image, error) {
	return pictures.Image{}, errors.New("disk at /secret/place is on fire")
}

func TestImageProblems(t *testing.T) {
	opts := fakeOptions(t)
	opts.Images = nil
	s := newServer(t, opts)
	if p := decodeBody[problem.Details](t, get(t, s, "/v1/items/1/image"), http.StatusNotFound); !strings.HasSuffix(p.Type, "no-image") {
		t.Errorf("without images: %+v", p)
	}
	if item := decodeBody[itemView](t, get(t, s, "/v1/items/1"), http.StatusOK); item.ImageURL != "" {
		t.Errorf("without images an item has the address %q", item.ImageURL)
	}
	opts.Images = brokenImages{}
	w := get(t, newServer(t, opts), "/v1/items/1/image")
	if p := decodeBody[problem.Details](t, w, http.StatusInternalServerError); strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the answer tells internals: %+v", p)
	}
}

// Pages of items join without a gap, and say how many items there are.
func TestPagesOfItems(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	unsafeItem := store.items[2]
	unsafeItem.Payload["NSFW"] = "NSFW"
	s := newServer(t, opts)
	const last = "18446744073709551615"
	for options, want := range map[string][]string{"limit=2": {"1", "2", "3", "4", last}, "limit=3&safe=true": {"1", "3", "4", last}, "limit=5": {"1", "2", "3", "4", last}} {
		var ids []string
		for after, pages := "", 0; ; pages++ {
			page := decodeBody[itemList](t, get(t, s, "/v1/items?"+options+after), http.StatusOK)
			if page.Total != 5 || pages > 5 {
				t.Fatalf("%s: total %d on page %d", options, page.Total, pages)
			}
			for _, item := range page.Items {
				ids = append(ids, item.ID)
			}
			if page.Next == "" {
				break
			}
			after = "&after=" + page.Next
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v, want %v", options, ids, want)
		}
	}
	for after, want := range map[string]int{last: 0, "4": 1, "18446744073709551614": 1} {
		if page := decodeBody[itemList](t, get(t, s, "/v1/items?after="+after), http.StatusOK); len(page.Items) != want || page.Next != "" {
			t.Errorf("after %s: %+v, want %d items", after, page, want)
		}
	}
	if p := decodeBody[problem.Details](t, get(t, s, "/v1/items?after=cat"), http.StatusBadRequest); !strings.Contains(p.Detail, "wanted the id of an item") {
		t.Errorf("after cat: %+v", p)
	}
}
