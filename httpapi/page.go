package httpapi

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.yaml web
var files embed.FS

// asset is one embedded file, ready to be sent.
type asset struct {
	body        []byte
	contentType string
	etag        string
}

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
			assets[name] = asset{body, types[path.Ext(name)], fmt.Sprintf(`"%x"`, sum[:8])}
		}
	}
	return assets
}

// file serves one embedded file.
func (s *Server) file(name string) func(*gin.Context) error {
	return func(c *gin.Context) error {
		a, ok := s.assets[name]
		if !ok {
			return noRoute(c)
		}
		c.Header("Content-Type", a.contentType)
		c.Header("ETag", a.etag)
		c.Header("Cache-Control", "no-cache") // ask, and mostly hear 304
		return serveContent(c, time.Time{}, bytes.NewReader(a.body))
	}
}

// getAsset answers GET /assets/{file}.
func (s *Server) getAsset(c *gin.Context) error {
	return s.file("web/" + c.Param("file"))(c)
}
