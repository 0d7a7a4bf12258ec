package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.yaml web
var files embed.FS

// asset is one embedded file, ready to be sent.
type asset struct {
	body        []byte
	packed      []byte // by gzip
	contentType string
	etag        string // without its closing quote
}

// embedded are the embedded files, which are packed once.
var embedded = sync.OnceValue(loadAssets)

// loadAssets reads the embedded files. Their media types are listed here, because
// the tables of systems differ.
func loadAssets() map[string]asset {
	types := map[string]string{
		".html": "text/html; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".svg":  "image/svg+xml",
		".yaml": "application/yaml",
	}
	assets := make(map[string]asset)
	for _, pattern := range []string{"openapi.yaml", "web/*"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			panic(err) // the files are part of the binary
		}
		for _, name := range names {
			body, err := files.ReadFile(name)
			if err != nil {
				panic(err)
			}
			sum := sha256.Sum256(body)
			assets[name] = asset{body, pack(body), types[path.Ext(name)], fmt.Sprintf(`"%x`, sum[:8])}
		}
	}
	return assets
}

// pack compresses a file.
func pack(body []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(body); err != nil {
		panic(err) // memory takes all
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return packed.Bytes()
}

// takesGzip reports whether the client accepts gzip (RFC 9110, section 12.5.3).
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

// file serves one embedded file.
func (s *Server) file(name string) func(*gin.Context) error {
	return func(c *gin.Context) error {
		a, ok := s.assets[name]
		if !ok {
			return noRoute(c)
		}
		return a.send(c)
	}
}

// send sends a file, compressed where the client takes that.
func (a asset) send(c *gin.Context) error {
	c.Header("Content-Type", a.contentType)
	c.Header("Cache-Control", "no-cache") // ask, and mostly hear 304
	c.Header("Vary", "Accept-Encoding")
	if takesGzip(c.Request) && c.GetHeader("Range") == "" {
		c.Header("Content-Encoding", "gzip")
		c.Header("ETag", a.etag+`-gzip"`)
		return serveContent(c, time.Time{}, bytes.NewReader(a.packed))
	}
	c.Header("ETag", a.etag+`"`)
	return serveContent(c, time.Time{}, bytes.NewReader(a.body))
}

// getAsset answers GET /assets/{file}.
func (s *Server) getAsset(c *gin.Context) error {
	return s.file("web/" + c.Param("file"))(c)
}
