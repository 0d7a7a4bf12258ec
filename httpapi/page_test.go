package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestPageAndItsFiles(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for address, contentType := range map[string]string{
		"/":                 "text/html; charset=utf-8",
		"/assets/app.js":    "text/javascript; charset=utf-8",
		"/assets/style.css": "text/css; charset=utf-8",
		"/assets/icon.svg":  "image/svg+xml",
		"/openapi.yaml":     "application/yaml",
	} {
		w := get(t, s, address)
		if w.Code != http.StatusOK || w.Body.Len() == 0 || w.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d, %d bytes of %s", address, w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy is %q", address, policy)
		}
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		if w := call(t, s, r); w.Code != http.StatusNotModified {
			t.Errorf("%s with its ETag: %d, want 304", address, w.Code)
		}
		whole := w.Body.Bytes()
		for accepts, packed := range map[string]bool{"gzip, deflate, br": true, "br;q=1, gzip;q=0.5": true, "gzip;q=0": false, "identity": false} {
			r := httptest.NewRequest(http.MethodGet, address, nil)
			r.Header.Set("Accept-Encoding", accepts)
			w := answerOf(s, r)
			body := io.Reader(w.Body)
			if (w.Header().Get("Content-Encoding") == "gzip") != packed || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, accepting %q: headers %v", address, accepts, w.Header())
			} else if packed {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("%s, accepting %q: %d bytes, want %d: %v", address, accepts, len(got), len(whole), err)
			}
		}
	}
}

// The policy would stop inline code in a browser; this finds it before one
// does, and finds what no policy stops: markup made from text.
func TestPageHasNoInlineCode(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`),
		".js":   regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://`),
		".css":  regexp.MustCompile(`@import|https?://`),
	}
	read := map[string]bool{}
	err := fs.WalkDir(files, "web", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		for ext, pattern := range forbidden {
			if !strings.HasSuffix(path, ext) {
				continue
			}
			read[ext] = true
			if found := pattern.Find(body); found != nil {
				t.Errorf("%s has %q", path, found)
			}
		}
		return nil
	})
	if err != nil || len(read) != len(forbidden) {
		t.Fatalf("read files of the kinds %v: %v", read, err)
	}
}
