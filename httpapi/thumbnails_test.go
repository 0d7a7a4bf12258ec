package httpapi

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"engram/httpapi/internal/problem"
)

func TestThumbnails(t *testing.T) {
	opts := fakeOptions(t)
	dir := picturesOf(t, opts)
	s := newServer(t, opts)
	item := decodeBody[itemView](t, get(t, s, "/v1/items/1"), 200)
	w := get(t, s, "/"+item.ThumbnailURL)
	img, err := jpeg.Decode(bytes.NewReader(w.Body.Bytes()))
	if err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" || !strings.Contains(w.Header().Get("Cache-Control"), "max-age") {
		t.Fatalf("status %d, %v, %v", w.Code, w.Header(), err)
	}
	if r, _, _, _ := img.At(4, 3).RGBA(); img.Bounds().Dx() != 8 || r < 0xe000 {
		t.Errorf("the picture is %v with red %x", img.Bounds(), r)
	}
	tag := w.Header().Get("ETag")
	ask := func() int {
		r := httptest.NewRequest(http.MethodGet, "/"+item.ThumbnailURL, nil)
		r.Header.Set("If-None-Match", tag)
		return call(t, s, r).Code
	}
	if got := ask(); got != http.StatusNotModified {
		t.Errorf("asked again: status %d", got)
	}
	// Another picture in its place is shown at once.
	file := filepath.Join(dir, "red.png")
	if err := os.WriteFile(file, flatPNG(t, colours[blue]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != http.StatusOK {
		t.Errorf("after another picture took its place: status %d", got)
	}
	if err := os.WriteFile(file, []byte("\xff\xd8\xff damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := get(t, s, "/v1/items/1/thumbnail"); w.Code != 422 || w.Header().Get("ETag") != "" {
		t.Errorf("a damaged picture: status %d, ETag %q", w.Code, w.Header().Get("ETag"))
	}
	for address, want := range map[string]int{
		"/v1/items/1/thumbnail?size=100": 400, "/v1/items/99/thumbnail": 404, "/v1/items/2/thumbnail?size=512": 200,
	} {
		if w := get(t, s, address); w.Code != want {
			t.Errorf("%s: status %d, wanted %d", address, w.Code, want)
		}
	}
	opts.Images = nil
	if p := decodeBody[problem.Details](t, get(t, newServer(t, opts), "/v1/items/1/thumbnail"), 404); !strings.HasSuffix(p.Type, "no-image") {
		t.Errorf("without images: %+v", p)
	}
}

// BenchmarkThumbnail sends a thumbnail that is in memory, over a connection.
func BenchmarkThumbnail(b *testing.B) {
	opts := fakeOptions(b)
	server := httptest.NewServer(newServer(b, opts).Handler())
	defer server.Close()
	get := func() {
		response, err := http.Get(server.URL + "/v1/items/1/thumbnail")
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 200 {
			b.Fatal(response.Status)
		}
	}
	get()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			get()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "thumbnails/s")
}
